// Mirrors control/trace/request.hpp.
#include "control/trace/request.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/addresses.hpp"

namespace synward::control {
namespace {

using testing::Contains;

using testing::HasSubstr;

service::ServiceTable services() {
  const auto service = [](const char* name, const char* address, service::Standing standing) {
    return service::Service{
        .name = name, .address = test::ip4(address), .port = wire::Port{443}, .standing = standing};
  };
  return service::ServiceTable{{service("moved", "198.18.0.1", service::Standing::kRetired),
                                service("moved", "198.18.0.2", service::Standing::kServed),
                                service("gone", "198.18.0.3", service::Standing::kGone)}};
}

template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(TraceRequest, AQueryIsReadBackAsItWas) {
  const TraceWanted wanted{
      .service = "a b&c=d%e\xc3\xa9", .client = "2001:2::/48", .reasons = {"bad_cookie", "send"}};
  const std::string query = to_query(wanted);
  EXPECT_EQ(query,
            "service=a%20b%26c%3Dd%25e%C3%A9&client=2001%3A2%3A%3A%2F48&reason=bad_cookie&reason=send");
  const TraceWanted read = from_query(query);
  EXPECT_EQ(read.service, wanted.service);
  EXPECT_EQ(read.client, wanted.client);
  EXPECT_EQ(read.reasons, wanted.reasons);
  EXPECT_EQ(to_query({}), "");
  EXPECT_EQ(to_query(from_query("")), "");
}

TEST(TraceRequest, OddQueriesAreReadOrRefused) {
  EXPECT_EQ(from_query("service=%").service, "%");
  EXPECT_EQ(from_query("service=%4").service, "%4");
  EXPECT_EQ(from_query("service=%zz&client").service, "%zz");
  EXPECT_EQ(from_query("service=a=b").service, "a=b");
  EXPECT_THAT(error_of([] { (void)from_query("count=3"); }), HasSubstr("no trace has a \"count\""));
}

TEST(TraceRequest, AServiceIsThatWhichIsServed) {
  EXPECT_EQ(filter_of({.service = "moved"}, services()).service, 1);
  EXPECT_THAT(error_of([] { (void)filter_of({.service = "gone"}, services()); }),
              HasSubstr("there is no service \"gone\"; the nearest is \"moved\""));
}

TEST(TraceRequest, ReasonsAreLabels) {
  EXPECT_THAT(trace_reasons(), Contains("bad_cookie"));
  EXPECT_THAT(trace_reasons(), testing::Not(Contains("none")));
  for (const auto label : trace_reasons()) {
    const auto filter = filter_of({.reasons = {std::string{label}}}, services());
    EXPECT_NE(filter.reasons == 0, filter.verdicts == 0) << label;
  }
  const auto filter = filter_of({.reasons = {"drop", "tx_full"}}, services());
  EXPECT_EQ(filter.verdicts, TraceFilter::bit(Route::kDrop));
  EXPECT_EQ(filter.reasons, TraceFilter::bit(Drop::kTxFull));
  EXPECT_THAT(error_of([] { (void)filter_of({.reasons = {"bad_cooky"}}, services()); }),
              HasSubstr("the nearest is \"bad_cookie\""));
  EXPECT_NE(error_of([] { (void)filter_of({.reasons = {"none"}}, services()); }), "");
}

TEST(TraceRequest, ClientsArePrefixes) {
  EXPECT_EQ(filter_of({.client = "198.18.0.0/15"}, services()).client,
            (wire::Prefix{test::ip4("198.18.0.0"), 15}));
  for (const char* wrong : {"198.18.0.1/15", "web", "198.18.0.0/33", " "})
    EXPECT_THAT(error_of([&] { (void)filter_of({.client = wrong}, services()); }),
                HasSubstr("names no clients"));
}

}  // namespace
}  // namespace synward::control
