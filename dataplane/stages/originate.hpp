// Frames that synward sends of its own accord: nobody's frame can be turned round for them.
#pragma once

#include <cstring>

#include "dataplane/core_state.hpp"
#include "dataplane/stages/reply.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace synward {

enum class Toward : std::uint8_t { kClient, kBackend };

/// A segment of `flow` to one of its ends, over the link that the client's segments come by. False when the
/// outbox is full.
template <wire::Family kFamily>
[[nodiscard]] inline bool originate(CoreState& core, const LinkPath& path, Toward toward,
                                    const table::FlowKey<kFamily>& flow, const Reply& segment) {
  Outbox::Frame* frame = core.outbox.add();
  if (frame == nullptr) return false;
  const bool to_client = toward == Toward::kClient;
  const wire::EtherType type =
      kFamily == wire::Family::kIpv4 ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6;
  const wire::BigEndian16 ether_type{static_cast<std::uint16_t>(type)};
  std::byte* at = frame->data.data();
  const auto put = [&at](const void* bytes, std::size_t count) {
    std::memcpy(at, bytes, count);
    at += count;
  };
  put(to_client ? &path.peer : &path.local, sizeof path.peer);
  put(to_client ? &path.local : &path.peer, sizeof path.peer);
  put(path.tags.data(), path.tag_bytes);
  put(&ether_type, sizeof ether_type);
  at += write_segment<kFamily>(at, to_client ? flow : reversed<kFamily>(flow), segment);
  frame->port = to_client ? path.port : core.ports[path.port].other;
  frame->bytes = static_cast<std::uint16_t>(at - frame->data.data());
  return true;
}

}  // namespace synward
