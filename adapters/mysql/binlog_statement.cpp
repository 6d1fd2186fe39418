#include <algorithm>
#include <array>

#include "adapters/mysql/binlog_event.h"

namespace omrsync::mysql {
namespace {

/// Words, quoted names and single marks of a statement, comments left out.
class Words {
 public:
  explicit Words(std::string_view sql) : rest_(sql) { advance(); }

  [[nodiscard]] bool end() const { return word_.empty() && !quoted_; }
  [[nodiscard]] const std::string& text() const { return word_; }

  bool skip(std::string_view keyword) {
    if (!at(keyword)) return false;
    advance();
    return true;
  }
  [[nodiscard]] bool at(std::string_view keyword) const { return !quoted_ && upper(word_) == keyword; }

  /// A name at this place, `name`, "name" or plain; false when there is none.
  bool name(std::string& out) {
    if (!quoted_ && (word_.empty() || !is_word(word_[0]))) return false;
    out = word_;
    advance();
    return true;
  }

  /// schema.table or table.
  bool table(std::string_view default_schema, TableName& out) {
    std::string first;
    if (!name(first)) return false;
    if (!skip(".")) {
      out = {std::string(default_schema), std::move(first)};
      return true;
    }
    std::string second;
    if (!name(second)) return false;
    out = {std::move(first), std::move(second)};
    return true;
  }

  void advance() {
    skip_blanks();
    word_.clear();
    quoted_ = false;
    if (rest_.empty()) return;
    const char first = rest_[0];
    if (first == '`' || first == '"') return take_quoted(first);
    if (first == '\'') return skip_literal();
    std::size_t length = 1;
    if (is_word(first))
      while (length < rest_.size() && is_word(rest_[length])) ++length;
    word_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
  }
  static std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    return result;
  }

  void drop_through(std::string_view mark) {
    const std::size_t at = rest_.find(mark);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + mark.size());
  }

  /// Blanks and comments; the contents of an executable comment are part of the statement.
  void skip_blanks() {
    while (!rest_.empty()) {
      if (std::string_view(" \t\r\n\f\v").find(rest_[0]) != std::string_view::npos || rest_.starts_with("*/")) {
        rest_.remove_prefix(rest_[0] == '*' ? 2 : 1);
      } else if (rest_.starts_with("/*!") || rest_.starts_with("/*M!")) {
        rest_.remove_prefix(rest_[2] == '!' ? 3 : 4);
        while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') rest_.remove_prefix(1);
      } else if (rest_.starts_with("/*")) {
        drop_through("*/");
      } else if (rest_[0] == '#' || rest_.starts_with("-- ") || rest_.starts_with("--\n")) {
        drop_through("\n");
      } else {
        return;
      }
    }
  }

  void take_quoted(char quote) {
    quoted_ = true;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == quote) {
        if (!rest_.starts_with(quote)) return;
        rest_.remove_prefix(1);
      }
      word_.push_back(c);
    }
  }

  /// A text literal counts as one mark.
  void skip_literal() {
    word_ = "'";
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '\'') at += rest_[at] == '\\' ? 2 : 1;
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
  }

  std::string_view rest_;
  std::string word_;
  bool quoted_ = false;
};

using Kind = Statement::Kind;

void skip_any(Words& words, std::initializer_list<std::string_view> keywords) {
  bool again = true;
  while (again) {
    again = false;
    for (const std::string_view keyword : keywords) again = words.skip(keyword) || again;
  }
}

/// Tables up to the first that cannot be told: then none, which means any.
void table_list(Words& words, Statement& found) {
  do {
    TableName name;
    if (!words.table(found.schema, name)) {
      found.tables.clear();
      return;
    }
    found.tables.push_back(std::move(name));
  } while (words.skip(","));
}

void one_table(Words& words, Statement& found) {
  TableName name;
  if (words.table(found.schema, name)) found.tables.push_back(std::move(name));
}

void rename_list(Words& words, Statement& found) {
  do {
    TableName from, to;
    skip_any(words, {"IF", "EXISTS"});
    if (!words.table(found.schema, from) || !words.skip("TO") || !words.table(found.schema, to)) {
      found.tables.clear();
      return;
    }
    found.tables.push_back(std::move(from));
    found.tables.push_back(std::move(to));
  } while (words.skip(","));
}

/// ALTER TABLE may rename: the new name counts too.
void alter_table(Words& words, Statement& found) {
  skip_any(words, {"IF", "EXISTS"});
  one_table(words, found);
  for (; !words.end(); words.advance()) {
    if (!words.at("RENAME")) continue;
    words.advance();
    if (words.at("COLUMN") || words.at("INDEX") || words.at("KEY")) continue;
    skip_any(words, {"TO", "AS"});
    one_table(words, found);
  }
}

bool ddl(Words& words, Statement& found, std::string_view verb) {
  found.kind = Kind::ddl;
  skip_any(words, {"OR", "REPLACE", "ONLINE", "OFFLINE", "IGNORE", "UNIQUE", "FULLTEXT", "SPATIAL"});
  if (words.skip("TEMPORARY")) return false;
  if (words.skip("TABLE") || words.skip("TABLES")) {
    if (verb == "ALTER") {
      alter_table(words, found);
      return true;
    }
    if (verb == "RENAME") {
      rename_list(words, found);
      return true;
    }
    skip_any(words, {"IF", "NOT", "EXISTS"});
    if (verb == "DROP") {
      found.kind = Kind::drop;
      table_list(words, found);
    } else {
      one_table(words, found);
    }
    return true;
  }
  if (words.skip("INDEX")) {
    while (!words.end() && !words.at("ON")) words.advance();
    if (words.skip("ON")) one_table(words, found);
    return true;
  }
  // A whole schema, or something that holds no rows (VIEW, USER, TRIGGER, FUNCTION, EVENT ...).
  if (verb != "DROP" || !(words.skip("DATABASE") || words.skip("SCHEMA"))) return false;
  found.kind = Kind::drop;
  skip_any(words, {"IF", "EXISTS"});
  words.name(found.schema);
  return true;
}

/// After the verb and its modifiers of INSERT, REPLACE, UPDATE, DELETE.
bool dml(Words& words, Statement& found, std::string_view verb) {
  found.kind = Kind::dml;
  skip_any(words, {"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "IGNORE", "INTO"});
  if (verb == "DELETE" && !words.skip("FROM")) return true;  // several tables
  TableName name;
  if (!words.table(found.schema, name)) return true;
  if (words.at(",") || words.at("JOIN") || words.at("INNER") || words.at("LEFT") || words.at("RIGHT") ||
      words.at("CROSS") || words.at("STRAIGHT_JOIN") || words.at("NATURAL") || words.at("USING"))
    return true;
  if (verb == "UPDATE" && !words.at("SET")) return true;  // an alias, perhaps followed by more tables
  found.tables.push_back(std::move(name));
  return true;
}

bool load(Words& words, Statement& found) {
  found.kind = Kind::dml;
  while (!words.end() && !words.at("TABLE")) words.advance();
  if (words.skip("TABLE")) one_table(words, found);
  return true;
}

bool is_harmless(Words& words) {
  constexpr std::array<std::string_view, 23> kHarmless = {
      "BEGIN",    "COMMIT",    "SAVEPOINT", "RELEASE", "GRANT",  "REVOKE", "FLUSH", "ANALYZE",
      "OPTIMIZE", "REPAIR",    "CHECK",     "SET",     "USE",    "START",  "LOCK",  "UNLOCK",
      "INSTALL",  "UNINSTALL", "XA",        "DO",      "SELECT", "CHANGE", "BACKUP"};
  return std::any_of(kHarmless.begin(), kHarmless.end(), [&](std::string_view word) { return words.at(word); });
}

}  // namespace

std::optional<Statement> classify_statement(std::string_view sql, std::string_view default_schema) {
  Words words(sql);
  Statement found;
  found.schema = default_schema;
  bool changes = true;
  if (words.end() || is_harmless(words)) {
    changes = false;
  } else if (words.skip("TRUNCATE")) {
    found.kind = Kind::truncate;
    words.skip("TABLE");
    one_table(words, found);
  } else {
    bool known = false;
    for (const std::string_view verb : {"CREATE", "ALTER", "DROP", "RENAME"})
      if (!known && (known = words.skip(verb))) changes = ddl(words, found, verb);
    for (const std::string_view verb : {"INSERT", "REPLACE", "UPDATE", "DELETE"})
      if (!known && (known = words.skip(verb))) changes = dml(words, found, verb);
    if (!known && words.skip("LOAD")) changes = load(words, found);
  }
  if (!changes) return std::nullopt;
  return found;
}

}  // namespace omrsync::mysql
