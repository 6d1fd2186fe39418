#include "node/receive/parent_service.h"

#include <algorithm>

#include "node/lives/life.h"
#include "node/plant.h"
#include "node/receive/admit.h"
#include "node/receive/take_batch.h"
#include "node/tuning.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;
using std::chrono::milliseconds;

/// A builder that waits for capture is asked again this soon.
constexpr milliseconds kSoon{20};

Error refuse(Code code, const char* message) { return {Remedy::set_aside, code, message}; }

int http_status(Code code) {
  switch (code) {
    case Code::node_unknown:
    case Code::node_forbidden:
    case Code::tls_identity_mismatch:
    case Code::certificate_revoked:
    case Code::certificate_replaced:
      return 403;
    case Code::wire_malformed:
    case Code::wire_digest_mismatch:
    case Code::limit_exceeded:
      return 400;
    case Code::incarnation_refused:
    case Code::wire_life_over:
    case Code::wire_gap:
    case Code::wire_version_unknown:
      return 409;
    case Code::not_found:
      return 404;
    default:
      return 503;
  }
}

/// What somebody should look at. Everything else is the protocol at work: a gap, another life, a parent that is busy.
bool is_listed(Code code) {
  return http_status(code) == 403 || http_status(code) == 400 || code == Code::incarnation_refused;
}

/// The node is older than what is known of it, or another one under its name (D28).
bool is_stale(const LinkRecord& record, const Hello& hello) {
  const Incarnation& known = record.life.child.incarnation;
  const Incarnation& told = hello.life.child.incarnation;
  if (record.life.child.node != hello.life.child.node) return false;
  if (told.counter < known.counter || (told.counter == known.counter && told.chance != known.chance)) return true;
  const bool used = record.stored > 0 || record.next_number > 1;
  if (hello.life != record.life) return record.life.child == hello.life.child && used;  // it does not know of this life
  return hello.down_through < record.acknowledged || hello.up_through < record.stored ||
         (hello.up_through == record.stored && hello.up_chain != record.stored_chain);
}

/// The node has more of us than we know of, or something else: it is our own store that is older, or a copy.
bool knows_more_of_us(const LinkRecord& record, const Hello& hello) {
  if (hello.life != record.life) return false;
  return hello.up_acknowledged > record.stored || hello.down_through + 1 > record.next_number ||
         (hello.down_through + 1 == record.next_number && hello.down_chain != record.chain);
}

Status of_this_life(const LinkRecord& record, const Pull& pull) {
  if (pull.life == record.life) return Done{};
  return refuse(Code::wire_life_over, "the question belongs to another life of this link");
}

}  // namespace

ports::Response ParentService::handle(const ports::IncomingRequest& request, milliseconds patience) {
  Result<std::string> body = answer(request, patience);
  if (body) return {200, kWireContentType, std::move(body).value(), std::chrono::seconds(0)};
  const Error& error = body.error();
  if (is_listed(error.code)) refusals_.note(request.peer_node, request.path, error.code);
  return {http_status(error.code), kWireContentType, encode(Refusal{error.code, error.message, 0}),
          std::chrono::seconds(0)};
}

void ParentService::stop() {
  stopped_.with([](bool& stopped) { stopped = true; });
  world_.shared.changed.ring();
}

Result<std::string> ParentService::answer(const ports::IncomingRequest& request, milliseconds patience) {
  OMRSYNC_TRY(known, admit(world_.store, world_.clock, request));
  const auto place = child(to_string(known.node));
  if (request.path == kHelloPath) {
    OMRSYNC_TRY(message, decode<Hello>(request.body));
    const std::lock_guard one_at_a_time(place->asking);
    return hello(known, message);
  }
  if (request.path == kPushPath) {
    OMRSYNC_TRY(message, decode<Push>(request.body));
    OMRSYNC_CHECK(await_rate(*place, patience));
    const std::lock_guard one_at_a_time(place->asking);
    place->up.take(request.body.size(), known.up.bytes_per_second, world_.clock.steady());
    return push(known, message);
  }
  if (request.path == kPullPath) {
    OMRSYNC_TRY(message, decode<Pull>(request.body));
    return pull(known, message, patience);
  }
  return refuse(Code::not_found, "there is nothing at this path");
}

void ParentService::Rest::take(std::size_t bytes, std::uint64_t bytes_per_second, milliseconds now) {
  if (bytes_per_second == 0) return;
  until = std::max(until, now) + milliseconds(bytes * 1000 / bytes_per_second);
}

/// Holds what a child pushes until its rate allows it; not longer than a question may wait here.
Status ParentService::await_rate(Child& place, milliseconds patience) {
  const milliseconds last = world_.clock.steady() + patience;
  for (;;) {
    const std::uint64_t seen = world_.shared.changed.rings();
    const milliseconds now = world_.clock.steady();
    milliseconds until{0};
    {
      const std::lock_guard lock(place.asking);
      until = place.up.until;
    }
    if (now >= until) return Done{};
    if (now >= last || stopped_.with([](bool& value) { return value; }))
      return refuse(Code::line_busy, "the node sends more than its rate allows");
    world_.shared.changed.wait(seen, std::min(until, last) - now);
  }
}

std::shared_ptr<ParentService::Child> ParentService::child(const std::string& link) {
  return children_.with([&](auto& children) {
    auto& place = children[link];
    if (!place) place = std::make_shared<Child>();
    if (!place->builder) place->builder = std::make_unique<BatchBuilder>(world_, link);
    return place;
  });
}

Result<std::string> ParentService::hello(const ChildRecord& child, const Hello& hello) {
  if (hello.version != kWireVersion)
    return refuse(Code::wire_version_unknown, "the node speaks another version of the protocol");
  if (hello.life.child.node != child.node)
    return refuse(Code::tls_identity_mismatch, "the node names another id than its certificate");
  const std::string link = to_string(child.node);
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, link));
  OMRSYNC_TRY(present, identity(*tx));
  const bool ended = world_.shared.over.load() || (present && present->incarnation != world_.identity.incarnation);
  if (ended) return refuse(Code::line_busy, "this node begins a new life");
  if (is_stale(record, hello))
    return refuse(Code::incarnation_refused, "the node's store was restored or copied; it must take a new incarnation");
  const bool in_this_life = record.life.parent == world_.identity.actor();
  if (in_this_life && knows_more_of_us(record, hello)) return we_are_stale(std::move(tx));
  const LinkLife life{hello.life.child, world_.identity.actor()};
  const bool same = OMRSYNC_PLANTED(one_link_only) ? record.life.child == life.child : record.life == life;
  if (!same) OMRSYNC_CHECK(renew_link(*tx, world_.stamp(world_.clock.utc().count()), link, record, life));
  record.last_contact_ms = world_.clock.utc().count();
  record.clock_offset_ms = clock_offset(hello.time_ms, record.last_contact_ms);
  const ToldTime time = world_.shared.true_time.with([&](TrueTime& known) {
    watch_clock(known, world_.clock);
    return tell_time(known, world_.clock, !world_.has_parent);
  });
  HelloAnswer answer{kWireVersion,         record.life,   record.stored, record.stored_chain, time.at_ms, 0,
                     world_.identity.name, time.error_ms, time.trusted};
  OMRSYNC_TRY(end, tx->get(tables::kMeta, "log_end"));
  answer.down_end = end ? tables::number_from(*end) : 0;
  answer.recipient = world_.identity.recipient;
  OMRSYNC_CHECK(note_recipient(*tx, link, hello.recipient));
  OMRSYNC_TRY(seen,
              get_record<ChildRecord>(*tx, tables::kNodes, link));  // it may have been revoked since it was admitted
  if (!seen) return refuse(Code::node_unknown, "this parent does not know the node of that certificate");
  seen->last_seen_ms = record.last_contact_ms;
  OMRSYNC_CHECK(put_record(*tx, tables::kNodes, link, *seen));
  OMRSYNC_CHECK(put_link(*tx, link, record));
  OMRSYNC_CHECK(tx->commit());
  return encode(answer);
}

/// A node that began a new life is to greet, and to be greeted, anew.
Status ParentService::same_life(const LinkRecord& record) {
  if (record.life.parent == world_.identity.actor() || OMRSYNC_PLANTED(one_link_only)) return Done{};
  return refuse(Code::wire_life_over, "this node began a new life since it was greeted");
}

/// A child has more of us than we know of: our store was put back, or copied.
Error ParentService::we_are_stale(std::unique_ptr<StoreTransaction> tx) {
  tx.reset();
  if (const Status begun = begin_new_life(world_, LifeEnd::clone); !begun) return begun.error();
  return refuse(Code::line_busy, "this node's store was restored or copied; it begins a new life");
}

Result<std::string> ParentService::push(const ChildRecord& child, const Push& push) {
  if (push.batch.life.child.node != child.node)
    return refuse(Code::tls_identity_mismatch, "the batch is another node's than the certificate");
  const std::string link = to_string(child.node);
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, link));
  OMRSYNC_CHECK(same_life(record));
  record.last_contact_ms = world_.clock.utc().count();
  OMRSYNC_CHECK(take_batch(*tx, record.last_contact_ms, link, record, push.batch));
  OMRSYNC_CHECK(forget_told(*tx, link, push.outcomes_seen));
  OMRSYNC_TRY(answer, receipt(*tx, link, record, push.outcomes_seen));
  OMRSYNC_CHECK(put_link(*tx, link, record));
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  world_.shared.arrived.ring();
  return encode(answer);
}

Status ParentService::forget_told(StoreTransaction& tx, const std::string& link, std::uint64_t outcomes_seen) {
  return tx.erase(tables::kOutcomes, link_key(link, 0), link_key(link, outcomes_seen + 1));
}

/// Durable through here, and what became of sets since the last time. Only reads.
Result<Receipt> ParentService::receipt(StoreTransaction& tx, const std::string& link, const LinkRecord& record,
                                       std::uint64_t outcomes_seen) {
  Receipt receipt{record.life, record.stored, {}, false};
  Status read = Done{};
  OMRSYNC_CHECK(tx.scan(tables::kOutcomes, link_key(link, outcomes_seen + 1), link_key(link, UINT64_MAX),
                        tuning::kOutcomesTold + 1, [&](const ports::Entry& entry) {
                          auto stored = decode<Receipt>(entry.value);
                          if (!stored) {
                            read = stored.error();
                            return false;
                          }
                          if (receipt.outcomes.size() == tuning::kOutcomesTold) {
                            receipt.more_outcomes = true;
                            return false;
                          }
                          receipt.outcomes.push_back(std::move(stored->outcomes.front()));
                          return true;
                        }));
  OMRSYNC_CHECK(read);
  return receipt;
}

/// What the question says of the child: how far it has come, and that it is there.
Status ParentService::take_pull(const std::string& link, const Pull& pull) {
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, link));
  OMRSYNC_CHECK(same_life(record));
  OMRSYNC_CHECK(of_this_life(record, pull));
  if (pull.stored_through < record.acknowledged)
    return refuse(Code::incarnation_refused, "the node lost what it had; it must take a new incarnation");
  const bool at_our_end = pull.stored_through + 1 == record.next_number;
  if (pull.stored_through >= record.next_number || (at_our_end && pull.stored_chain != record.chain))
    return we_are_stale(std::move(tx));
  OMRSYNC_CHECK(trim_frozen(*tx, link, record, pull.stored_through));
  OMRSYNC_CHECK(forget_told(*tx, link, pull.outcomes_seen));
  record.last_contact_ms = world_.clock.utc().count();
  OMRSYNC_CHECK(put_link(*tx, link, record));
  if (at_our_end) OMRSYNC_CHECK(confirm_numbers(*tx));
  return tx->commit();
}

Result<std::string> ParentService::pull(const ChildRecord& child, const Pull& pull, milliseconds patience) {
  const std::string link = to_string(child.node);
  const auto place = this->child(link);
  const milliseconds asked = world_.clock.steady();
  milliseconds until = asked + std::min(patience, milliseconds(pull.wait_ms));
  const std::size_t bytes = std::clamp<std::size_t>(pull.max_bytes, tuning::kBatchBytesLeast, tuning::kBatchBytesMost);
  PullAnswer answer;
  {
    const std::lock_guard one_at_a_time(place->asking);
    OMRSYNC_CHECK(take_pull(link, pull));
  }
  for (;;) {
    const std::uint64_t seen = world_.shared.changed.rings();
    std::unique_lock one_at_a_time(place->asking);  // not while waiting: a push must not wait for news
    {
      OMRSYNC_TRY(tx, world_.store.read());
      OMRSYNC_TRY(record, link_record(*tx, link));
      OMRSYNC_CHECK(same_life(record));
      OMRSYNC_CHECK(of_this_life(record, pull));
      OMRSYNC_TRY(told, receipt(*tx, link, record, pull.outcomes_seen));
      answer.receipt = std::move(told);
    }
    const bool rests = world_.clock.steady() < place->down.until;
    if (rests) {
      until = std::max(until, std::min(place->down.until, asked + patience));
      answer.more = true;
    } else if (child.catchment != "none") {
      auto batch = place->builder->next(bytes);
      if (!batch && batch.error().remedy == Remedy::stop_node) return batch.error();
      // Our database is away: the child's own changes are taken all the same, and it hears what became of them.
      if (batch) answer.batch = std::move(*batch);
      if (answer.batch)
        place->down.take(answer.batch->frame.size(), child.down.bytes_per_second, world_.clock.steady());
      answer.more = answer.batch.has_value() || place->builder->waits();
    }
    const milliseconds now = world_.clock.steady();
    const bool stopped = stopped_.with([](bool& value) { return value; });
    if (answer.batch || !answer.receipt.outcomes.empty() || now >= until || stopped) break;
    milliseconds left = place->builder->waits() ? std::min(kSoon, until - now) : until - now;
    if (rests) left = std::min(left, std::max(place->down.until - now, milliseconds(1)));
    one_at_a_time.unlock();
    world_.shared.changed.wait(seen, left);
  }
  return encode(answer);
}

}  // namespace omrsync::node
