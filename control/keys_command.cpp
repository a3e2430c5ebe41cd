#include "control/keys_command.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/clocks.hpp"
#include "control/key_file.hpp"

namespace synward::control {
namespace {

using cookie::KeyRing;
using cookie::Slot;

void rotate(const KeysOptions& options) {
  const std::uint64_t now_ms = wall_ms();
  const Slot first = cookie::slot_at(now_ms + std::uint64_t{options.after_s} * 1000).next();
  const KeyRing ring = rotated(read_key_file(options.file), cookie::slot_at(now_ms), first);
  write_key_file(options.file, ring, true);
  fmt::print("{}", keys_text(ring, now_ms));
}

}  // namespace

CLI::App& add_keys_command(CLI::App& app, KeysOptions& options) {
  auto& command = *app.add_subcommand("keys", "The keys of cookies, in a file that a fleet shares");
  command.require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    auto* added = command.add_subcommand(name, what);
    added->add_option("FILE", options.file, "The file")->capture_default_str();
    return added;
  };
  add("init", "Make the file, with one key, drawn at random");
  auto* rotating = add("rotate", "Add the next key, and leave out what nobody needs any more");
  rotating
      ->add_option(
          "--after", options.after_s,
          "Seconds until it mints, in which every node must have got the file; then to the next slot of 64 s")
      ->check(CLI::Range(0u, 7u * 24 * 3600))
      ->capture_default_str();
  add("show", "Which key does what, and when; no secrets");
  return command;
}

void run_keys_command(const CLI::App& command, const KeysOptions& options) {
  if (command.got_subcommand("init")) {
    write_key_file(options.file, KeyRing::random(), false);
    fmt::print("{} is made. Copy it to every node; [cookie] key_file names it\n", options.file);
  } else if (command.got_subcommand("rotate")) {
    rotate(options);
  } else {
    fmt::print("{}", keys_text(read_key_file(options.file), wall_ms()));
  }
}

}  // namespace synward::control
