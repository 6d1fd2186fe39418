#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "node/app/cards.h"
#include "node/app/config.h"
#include "node/app/state_folder.h"
#include "protocol/result.h"

namespace omrsync::app {

/// What `init` was told.
struct InitAnswers {
  bool has_parent = false;    ///< child, district
  bool has_children = false;  ///< parent, district
  std::optional<std::string> name;
  std::optional<std::string> timezone;
  std::optional<std::string> listen;
  std::optional<std::string> url;
  std::optional<std::string> openmrs;  ///< "mysql://user@host:port/database"
  std::optional<std::string> openmrs_password_file;
  std::optional<std::string> store;
  std::optional<std::string> join;    ///< a card file
  std::optional<std::string> answer;  ///< a parent's answer file to `enrol request`
  std::optional<std::string> parent;
  std::optional<std::string> code;
};

/// An answer that `init` cannot do without.
struct MissingAnswer {
  std::string flag;      ///< "--timezone"
  std::string question;  ///< for a terminal
};
[[nodiscard]] std::vector<MissingAnswer> missing_answers(const InitAnswers& answers);

/// A node that was set up.
struct InitOutcome {
  std::filesystem::path config_file;
  std::string toml;  ///< what stands in it
  Config config;
  Uuid node;
};

/// Makes the node: state folder, keys, store with the node's identity, and last the configuration file. Everything that
/// can be wrong with the answers is found before anything is written (`usage`, `config_invalid`, `file_unreadable`).
/// With a one-time code the parent is asked before the store and the configuration are written: its refusals are those
/// of `ask_with_code`. After a crash it can be repeated; a configuration that is there already is never replaced
/// (`usage`). With `only_try` nothing is written, nobody is asked, and `node` is empty.
[[nodiscard]] Result<InitOutcome> init_node(const InitAnswers& answers, const std::filesystem::path& config_file,
                                            bool only_try);

/// Gives the listener a new certificate when a third of the old one's life or less is left. Children trust the
/// authority, so they notice nothing.
[[nodiscard]] Status renew_server_certificate(const Config& config);

/// Key, certificate and authority of a card into the state folder, instead of those that may be there.
[[nodiscard]] Status unpack_card(const Card& card, const StateFolder& state);

}  // namespace omrsync::app
