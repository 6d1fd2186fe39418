#include "node/app/parent_link.h"

#include "adapters/http/cpprest_parent_link.h"
#include "adapters/http/curl_parent_link.h"
#include "node/app/state_folder.h"

namespace omrsync::app {
namespace {

/// A link, and the same link where its client can cap rates, else null.
struct OpenLink {
  std::unique_ptr<ports::ParentLink> link;
  http::CurlParentLink* paced = nullptr;
};

Result<OpenLink> open_link(const Config& config) {
  const StateFolder state(config);
  http::LinkOptions options;
  options.url = config.parent->url;
  options.ca_file = state.parent_authority();
  options.certificate_file = state.client_certificate();
  options.key_file = state.client_key();
  if (config.link_client == "cpprest") {
    OMRSYNC_TRY(link, http::CpprestParentLink::open(std::move(options)));
    return OpenLink{std::move(link), nullptr};
  }
  OMRSYNC_TRY(link, http::CurlParentLink::open(std::move(options)));
  http::CurlParentLink* paced = link.get();
  return OpenLink{std::move(link), paced};
}

/// When the certificate was last replaced.
std::filesystem::file_time_type certificate_time(const Config& config) {
  std::error_code ignored;
  return std::filesystem::last_write_time(StateFolder(config).client_certificate(), ignored);
}

/// A link under the line's rules, with whatever certificate is there when a question begins.
class RuledLink final : public ports::ParentLink {
 public:
  RuledLink(const Config& config, OpenLink open, std::filesystem::file_time_type opened, admin::LineRulesNow rules)
      : config_(config), open_(std::move(open)), opened_(opened), rules_(std::move(rules)) {}

  Status send(ports::Request request) override {
    const admin::LineRules now = rules_();
    if (!now.open) {
      return Error{Remedy::retry_later, Code::line_resting, "The line may not be used at this hour ([parent] window)."};
    }
    if (const auto replaced = certificate_time(config_); replaced != opened_) {
      OMRSYNC_TRY(fresh, open_link(config_));
      open_ = std::move(fresh);
      opened_ = replaced;
    }
    if (open_.paced != nullptr) open_.paced->set_rates({now.bytes_per_second, now.bytes_per_second});
    return open_.link->send(std::move(request));
  }

  Result<std::optional<ports::Response>> collect(std::chrono::milliseconds patience) override {
    return open_.link->collect(patience);
  }

 private:
  const Config& config_;
  OpenLink open_;
  std::filesystem::file_time_type opened_;
  admin::LineRulesNow rules_;
};

}  // namespace

Result<std::unique_ptr<ports::ParentLink>> open_parent_link(const Config& config, admin::LineRulesNow rules) {
  const auto opened = certificate_time(config);
  OMRSYNC_TRY(open, open_link(config));
  return std::unique_ptr<ports::ParentLink>(
      std::make_unique<RuledLink>(config, std::move(open), opened, std::move(rules)));
}

}  // namespace omrsync::app
