#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "node/app/cards.h"
#include "node/app/config.h"
#include "node/app/state_folder.h"
#include "protocol/enrol_code.h"
#include "protocol/result.h"

/// How a node gets its certificate from its parent. The private key is made here and stays here.
namespace omrsync::app {

/// Key and certificate into the state folder, both or neither.
[[nodiscard]] Status put_certificate(const StateFolder& state, const std::string& key_pem,
                                     const std::string& certificate_pem);

/// Asks the parent at `url`, which must have the authority that the code names (`authority_mismatch`), before anything
/// is sent to it. The key is kept in the state folder, so that a repetition after a lost answer is the same request.
/// The parent's refusals: enrol_code_unknown, _used, _expired, enrol_name_mismatch, enrol_too_often; or a code of the
/// line. Writes nothing but the key.
[[nodiscard]] Result<Card> ask_with_code(const std::string& url, const EnrolCode& code, const std::string& name,
                                         const StateFolder& state);

/// Writes a request for a certificate as a file, without a secret; the key stays in the state folder. Returns the
/// SHA-256 of the public key, by which people can compare what arrives.
[[nodiscard]] Result<std::string> write_request(const std::filesystem::path& request_file, const std::string& name,
                                                const StateFolder& state);

/// The parent's answer to that request, checked against the key. Writes nothing.
[[nodiscard]] Result<Card> accept_answer(const std::filesystem::path& answer_file, const std::string& name,
                                         const StateFolder& state);

/// A new key and certificate from the parent, asked for with the present ones, once a third of their life or less is
/// left. True: they were replaced.
[[nodiscard]] Result<bool> renew_certificate(const Config& config, const std::function<bool()>& give_up);

/// When to look again whether it is time.
[[nodiscard]] std::chrono::milliseconds next_look(const Config& config);

}  // namespace omrsync::app
