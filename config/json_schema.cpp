#include "config/json_schema.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "config/schema.hpp"

namespace synward::config {
namespace {

using Json = nlohmann::ordered_json;

/// What a text may be where `mode` is in force.
Json texts_of(const Setting& setting, Mode mode) {
  Json texts = Json::array();
  for (const Choice& choice : setting.choices) {
    if (fits(choice.mode, mode)) texts.push_back(choice.text);
  }
  return texts;
}

std::string description(const Setting& setting) {
  std::string text = std::string{setting.help} + " Allowed is " + allowed(setting) + ".";
  if (!setting.otherwise.empty()) text += " Unless told: " + std::string{setting.otherwise} + ".";
  return text;
}

Json schema_of(const Setting& setting) {
  Json schema{{"description", description(setting)}};
  Json text{{"type", "string"}};
  if (!setting.pattern.empty()) text["pattern"] = setting.pattern;
  switch (setting.type) {
    case Type::kInteger:
      schema.update({{"type", "integer"}, {"minimum", setting.range.least}, {"maximum", setting.range.most}});
      break;
    case Type::kFlag:
      schema["type"] = "boolean";
      break;
    case Type::kTexts:
      schema.update({{"type", "array"}, {"items", text}});
      break;
    case Type::kText:
      schema.update(text);
      if (setting.range.least != 0) schema["minLength"] = setting.range.least;
      if (setting.range.most != 0) schema["maxLength"] = setting.range.most;
      if (!setting.choices.empty()) schema["enum"] = texts_of(setting, Mode::kAny);
  }
  if (!setting.standard.empty()) schema["default"] = Json::parse(setting.standard);
  return schema;
}

Json schema_of(const Table& table) {
  Json properties = Json::object(), required = Json::array();
  for (const Setting& setting : settings_of(table)) {
    properties[std::string{setting.key}] = schema_of(setting);
    if (setting.required) required.push_back(setting.key);
  }
  Json one{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  if (!required.empty()) one["required"] = required;
  Json schema{{"description", table.help}};
  if (table.most == 0) {
    schema.update(one);
  } else {
    schema.update({{"type", "array"}, {"minItems", table.least}, {"maxItems", table.most}, {"items", one}});
  }
  return schema;
}

/// What a config whose mode is `mode` must be besides.
Json schema_of(Mode mode) {
  Json properties = Json::object();
  for (const Table& table : tables()) {
    Json ours = Json::object();
    for (const Setting& setting : settings_of(table)) {
      const std::string key{setting.key};
      const Json texts = texts_of(setting, mode);
      if (!fits(setting.mode, mode)) ours[key] = false;
      if (texts.size() < setting.choices.size()) ours[key] = Json{{"enum", texts}};
    }
    if (ours.empty()) continue;
    const Json one{{"properties", ours}};
    properties[std::string{table.name}] = table.most == 0 ? one : Json{{"items", one}};
  }
  return {{"properties", properties}};
}

Json contains_port(const char* name) {
  return {{"contains", {{"properties", {{"name", {{"const", name}}}}}, {"required", {"name"}}}}};
}

}  // namespace

std::string json_schema() {
  Json properties = Json::object(), required = Json::array();
  for (const Table& table : tables()) {
    properties[std::string{table.name}] = schema_of(table);
    if (table.least != 0) required.push_back(table.name);
  }
  Json with_two = schema_of(Mode::kTwoPorts);
  with_two["properties"]["port"] = {{"allOf", {contains_port("outside"), contains_port("inside")}}};
  const Json schema{
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "synward's config"},
      {"description",
       "What `synward run -c FILE` reads. `synward check -c FILE` finds more than a schema can."},
      {"type", "object"},
      {"additionalProperties", false},
      {"required", required},
      {"properties", properties},
      {"if", {{"properties", {{"port", {{"maxItems", 1}}}}}}},
      {"then", schema_of(Mode::kOnePort)},
      {"else", with_two}};
  return schema.dump(2) + "\n";
}

}  // namespace synward::config
