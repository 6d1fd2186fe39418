#include "tests/sim/network.h"

#include <algorithm>

namespace omrsync::sim {
namespace {

Error line(Code code, const char* message) { return {Remedy::retry_later, code, message}; }

}  // namespace

class SimLink final : public ports::ParentLink {
 public:
  SimLink(Network& network, std::string child, std::string parent)
      : network_(network), child_(std::move(child)), parent_(std::move(parent)) {}

  Status send(ports::Request request) override {
    question_ = {parent_, {std::move(request.path), std::move(request.body), child_, ""}};
    under_way_ = true;
    return Done{};
  }

  Result<std::optional<ports::Response>> collect(std::chrono::milliseconds) override {
    if (!under_way_) return line(Code::line_cut, "nothing was asked");
    unsigned dice = network_.chance_();
    const auto falls = [&dice](unsigned percent) {
      const bool yes = dice < percent;
      dice = yes ? dice : dice - percent;
      return yes;
    };
    if (!network_.is_cut(child_) && falls(network_.slow)) return std::optional<ports::Response>{};
    under_way_ = false;
    if (network_.is_cut(child_) || falls(network_.lost_questions))
      return line(Code::line_unreachable, "the line is down");
    if (falls(network_.doubled) && network_.doubles_.size() < 20) network_.doubles_.push_back(question_);
    auto answer = network_.ask_(question_.parent, question_.request);
    if (!answer) return line(Code::line_unreachable, "nobody is at home");
    if (falls(network_.lost_answers)) return line(Code::line_cut, "the line was cut before the answer came");
    return answer;
  }

 private:
  Network& network_;
  std::string child_, parent_;
  Network::Question question_;
  bool under_way_ = false;
};

bool Network::is_cut(const std::string& child) const {
  return std::find(cut_.begin(), cut_.end(), child) != cut_.end();
}

void Network::cut(const std::string& child, bool off) {
  std::erase(cut_, child);
  if (off) cut_.push_back(child);
}

std::unique_ptr<ports::ParentLink> Network::link(std::string child, std::string parent) {
  return std::make_unique<SimLink>(*this, std::move(child), std::move(parent));
}

bool Network::deliver_double(std::size_t which) {
  if (doubles_.empty()) return false;
  const auto place = doubles_.begin() + static_cast<std::ptrdiff_t>(which % doubles_.size());
  const Question question = *place;
  doubles_.erase(place);
  if (!is_cut(question.request.peer_node)) (void)ask_(question.parent, question.request);
  return true;
}

}  // namespace omrsync::sim
