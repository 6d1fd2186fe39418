#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/ports/exchange.h"

namespace omrsync::sim {

/// The lines between the nodes. A question is asked of a node by its uuid.
class Network {
 public:
  /// Answers a question, or nothing where nobody is at home.
  using Ask = std::function<std::optional<ports::Response>(const std::string& node, const ports::IncomingRequest&)>;
  /// A number from 0 to below 100 that decides what becomes of a message.
  using Chance = std::function<unsigned()>;

  Network(Ask ask, Chance chance) : ask_(std::move(ask)), chance_(std::move(chance)) {}

  /// Percent of questions; the rest arrives once and is answered.
  unsigned lost_questions = 0, lost_answers = 0, slow = 0, doubled = 0;
  [[nodiscard]] bool is_cut(const std::string& child) const;
  void cut(const std::string& child, bool off);

  [[nodiscard]] std::unique_ptr<ports::ParentLink> link(std::string child, std::string parent);

  /// Delivers one of the doubles that are under way, the `which`th; its answer is lost. False: there is none.
  bool deliver_double(std::size_t which);
  [[nodiscard]] std::size_t doubles() const noexcept { return doubles_.size(); }
  void drop_doubles() { doubles_.clear(); }

 private:
  friend class SimLink;
  struct Question {
    std::string parent;
    ports::IncomingRequest request;
  };

  Ask ask_;
  Chance chance_;
  std::vector<std::string> cut_;
  std::vector<Question> doubles_;
};

}  // namespace omrsync::sim
