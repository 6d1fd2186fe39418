#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/fhir/json_out.h"
#include "protocol/result.h"

namespace omrsync::openmrs::fhir {

enum class JsonKind : std::uint8_t { object, array, text, number, truth, falsehood, null };

struct JsonNode {
  const char* text = nullptr;  ///< of text and number (as it was written)
  std::uint32_t size = 0;      ///< of `text`
  std::uint32_t end = 0;       ///< index of the first node after this one and what is within it
  JsonKind kind = JsonKind::null;
};

/// A FHIR JSON document, read strictly (F-2) into one flat array of nodes over a private copy of its text: members are
/// a text node for the name, then the value's nodes. Not copied, for its nodes point into itself.
class JsonTape {
 public:
  JsonTape() = default;
  JsonTape(const JsonTape&) = delete;
  JsonTape& operator=(const JsonTape&) = delete;

  /// Refuses what F-2 refuses: broken UTF-8, repeated members, empty arrays, objects and strings, nulls outside paired
  /// primitive arrays, nesting above 64, numbers above 64 characters, bytes after the end. `set_aside`, fhir_malformed.
  Status parse(std::string_view document);

  /// A member modifierExtension stands somewhere.
  [[nodiscard]] bool has_modifier() const noexcept { return has_modifier_; }

  /// Room for text that is made from the document's, as long as the tape lives.
  [[nodiscard]] char* room(std::size_t size) const;

  [[nodiscard]] const JsonNode& node(std::uint32_t index) const noexcept { return nodes_[index]; }

 private:
  std::unique_ptr<char[]> text_;  ///< the document, its end, and room after it
  std::size_t size_ = 0;
  std::vector<JsonNode> nodes_;
  bool has_modifier_ = false;
  mutable std::size_t used_ = 0;
  mutable std::vector<std::unique_ptr<char[]>> more_;
};

class JsonMembers;
class JsonItems;

/// A value of a tape. The tape must outlive it.
class JsonView {
 public:
  JsonView(const JsonTape& tape, std::uint32_t index) : tape_(&tape), index_(index) {}

  [[nodiscard]] JsonKind kind() const noexcept { return here().kind; }
  [[nodiscard]] bool is_object() const noexcept { return kind() == JsonKind::object; }
  [[nodiscard]] bool is_array() const noexcept { return kind() == JsonKind::array; }
  [[nodiscard]] bool is_text() const noexcept { return kind() == JsonKind::text; }

  /// Of a string or a number.
  [[nodiscard]] std::string_view text() const noexcept { return {here().text, here().size}; }
  [[nodiscard]] char* room(std::size_t size) const { return tape_->room(size); }

  [[nodiscard]] JsonMembers members() const noexcept;
  [[nodiscard]] JsonItems items() const noexcept;

  /// The member of that name, when this is an object that has it.
  [[nodiscard]] std::optional<JsonView> find(std::string_view name) const noexcept;
  /// The text member of that name; empty when there is none.
  [[nodiscard]] std::string_view text_of(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count() const noexcept;

  /// Writes the value as compact JSON, numbers as they were written.
  void write_to(JsonOut& json) const;
  [[nodiscard]] std::string to_string() const;

 private:
  friend class JsonMembers;
  friend class JsonItems;
  [[nodiscard]] const JsonNode& here() const noexcept { return tape_->node(index_); }

  const JsonTape* tape_;
  std::uint32_t index_;
};

struct JsonMember {
  std::string_view name;
  JsonView value;
};

class JsonMembers {
 public:
  class Iterator {
   public:
    Iterator(const JsonTape& tape, std::uint32_t at) : tape_(&tape), at_(at) {}
    [[nodiscard]] JsonMember operator*() const noexcept {
      return {std::string_view(tape_->node(at_).text, tape_->node(at_).size), JsonView(*tape_, at_ + 1)};
    }
    Iterator& operator++() noexcept { return at_ = tape_->node(at_ + 1).end, *this; }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    const JsonTape* tape_;
    std::uint32_t at_;
  };
  explicit JsonMembers(JsonView object) : object_(object) {}
  [[nodiscard]] Iterator begin() const noexcept {
    return {*object_.tape_, object_.is_object() ? object_.index_ + 1 : object_.here().end};
  }
  [[nodiscard]] Iterator end() const noexcept { return {*object_.tape_, object_.here().end}; }

 private:
  JsonView object_;
};

class JsonItems {
 public:
  class Iterator {
   public:
    Iterator(const JsonTape& tape, std::uint32_t at) : tape_(&tape), at_(at) {}
    [[nodiscard]] JsonView operator*() const noexcept { return {*tape_, at_}; }
    Iterator& operator++() noexcept { return at_ = tape_->node(at_).end, *this; }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    const JsonTape* tape_;
    std::uint32_t at_;
  };
  explicit JsonItems(JsonView array) : array_(array) {}
  [[nodiscard]] Iterator begin() const noexcept {
    return {*array_.tape_, array_.is_array() ? array_.index_ + 1 : array_.here().end};
  }
  [[nodiscard]] Iterator end() const noexcept { return {*array_.tape_, array_.here().end}; }

 private:
  JsonView array_;
};

inline JsonMembers JsonView::members() const noexcept { return JsonMembers(*this); }
inline JsonItems JsonView::items() const noexcept { return JsonItems(*this); }

}  // namespace omrsync::openmrs::fhir
