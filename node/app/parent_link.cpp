#include "node/app/parent_link.h"

#include "adapters/http/cpprest_parent_link.h"
#include "adapters/http/curl_parent_link.h"
#include "node/app/state_folder.h"

namespace omrsync::app {
namespace {

/// A link under the line's rules. `paced` is the same link where its client can cap rates, else null.
class RuledLink final : public ports::ParentLink {
 public:
  RuledLink(std::unique_ptr<ports::ParentLink> link, http::CurlParentLink* paced, admin::LineRulesNow rules)
      : link_(std::move(link)), paced_(paced), rules_(std::move(rules)) {}

  Status send(ports::Request request) override {
    const admin::LineRules now = rules_();
    if (!now.open) {
      return Error{Remedy::retry_later, Code::line_resting, "The line may not be used at this hour ([parent] window)."};
    }
    if (paced_ != nullptr) paced_->set_rates({now.bytes_per_second, now.bytes_per_second});
    return link_->send(std::move(request));
  }

  Result<std::optional<ports::Response>> collect(std::chrono::milliseconds patience) override {
    return link_->collect(patience);
  }

 private:
  std::unique_ptr<ports::ParentLink> link_;
  http::CurlParentLink* paced_;
  admin::LineRulesNow rules_;
};

}  // namespace

Result<std::unique_ptr<ports::ParentLink>> open_parent_link(const Config& config, admin::LineRulesNow rules) {
  const StateFolder state(config);
  http::LinkOptions options;
  options.url = config.parent->url;
  options.ca_file = state.parent_authority();
  options.certificate_file = state.client_certificate();
  options.key_file = state.client_key();
  if (config.link_client == "cpprest") {
    OMRSYNC_TRY(link, http::CpprestParentLink::open(std::move(options)));
    return std::unique_ptr<ports::ParentLink>(std::make_unique<RuledLink>(std::move(link), nullptr, std::move(rules)));
  }
  OMRSYNC_TRY(link, http::CurlParentLink::open(std::move(options)));
  http::CurlParentLink* paced = link.get();
  return std::unique_ptr<ports::ParentLink>(std::make_unique<RuledLink>(std::move(link), paced, std::move(rules)));
}

}  // namespace omrsync::app
