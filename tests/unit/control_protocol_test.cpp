// control/protocol: lines on the control socket.
#include <gtest/gtest.h>

#include "control/protocol.h"

namespace meshnode::control {
namespace {

TEST(Protocol, RequestsAreGolden) {
  EXPECT_EQ(request_line(Method::status), "{\"version\":1,\"method\":\"status\"}\n");
  EXPECT_EQ(request_line(Method::join_line), "{\"version\":1,\"method\":\"join-line\"}\n");
}

TEST(Protocol, EachRequestIsUnderstood) {
  for (int i = 0; i <= static_cast<int>(Method::methods); ++i) {
    Request request{static_cast<Method>(i), "beta", "debug"};
    request.exec = i % 2 == 0;
    EXPECT_NE(name(request.method), "unknown");
    const auto parsed = parse_request(request_line(request));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, request);
  }
  EXPECT_TRUE(parse_request(R"({"version":1,"method":"id","later":[1,2]})"))
      << "fields of a newer meshctl do not matter";
}

const std::string kMethodsAre =
    "the methods are status, id, join-line, peers, peer, ping, trace, edges, why, watch, "
    "log-level, reload, methods";

TEST(Protocol, RubbishGetsASentence) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "a request is one JSON object on one line"},
      {"status", "a request is one JSON object on one line"},
      {"[]", "a request is one JSON object on one line"},
      {"{", "a request is one JSON object on one line"},
      {std::string("\xff\x00\xfe", 3), "a request is one JSON object on one line"},
      {std::string(4000, '['), "a request is one JSON object on one line"},
      {R"({"method":"status"})", "this daemon speaks version 1"},
      {R"({"version":2,"method":"status"})", "this daemon speaks version 1"},
      {R"({"version":"1","method":"status"})", "this daemon speaks version 1"},
      {R"({"version":1})", kMethodsAre},
      {R"({"version":1,"method":7})", kMethodsAre},
      {R"({"version":1,"method":"reboot"})", kMethodsAre},
  };
  for (const auto& [line, sentence] : cases) {
    const auto parsed = parse_request(line);
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().message, sentence) << line;
  }
}

TEST(Protocol, AnswersComeBack) {
  const auto result = parse_answer(ok_line(to_json_string("abc")));
  ASSERT_TRUE(result);
  EXPECT_EQ(*string_from_json(*result), "abc");
  EXPECT_EQ(ok_line("7"), "{\"ok\":true,\"result\":7}\n");
  EXPECT_EQ(error_line("no \"way\""), "{\"ok\":false,\"error\":\"no \\\"way\\\"\"}\n");
  EXPECT_EQ(parse_answer(error_line("no way")).error().message, "no way");
}

TEST(Protocol, AnErrorKeepsItsKind) {
  const Error usage = Error::usage("no such peer");
  EXPECT_EQ(error_line(usage), "{\"ok\":false,\"error\":\"no such peer\",\"kind\":\"usage\"}\n");
  EXPECT_EQ(parse_answer(error_line(usage)).error().exit_code(), 2);
  EXPECT_EQ(parse_answer(error_line(Error::world("away"))).error().exit_code(), 1);
  EXPECT_EQ(error_line(Error::world("away")), error_line("away")) << "as earlier versions say it";
}

TEST(Protocol, FieldsOfAnotherTypeAreAsIfTheyWereNotThere) {
  EXPECT_EQ(*parse_request(R"({"version":1,"method":"ping","peer":7,"level":[]})"),
            Request(Method::ping));
}

TEST(Protocol, MethodsAreGolden) {
  EXPECT_EQ(methods_json(),
            R"({"version":1,"methods":["status","id","join-line","peers","peer","ping","trace",)"
            R"("edges","why","watch","log-level","reload","methods"]})");
}

TEST(Protocol, OddAnswersAreErrors) {
  for (const char* line : {"", "{}", "[]", "nonsense", R"({"ok":true})", R"({"ok":1,"result":2})",
                           R"({"ok":false})", R"({"ok":false,"error":3})"})
    EXPECT_EQ(parse_answer(line).error().message, "the daemon's answer is no answer of a meshnode")
        << line;
  EXPECT_FALSE(string_from_json("7"));
  EXPECT_FALSE(join_line_from_json(R"({"command":"x"})"));
  EXPECT_FALSE(join_line_from_json("\"x\""));
}

TEST(Protocol, JoinLineRoundTrip) {
  const auto line = join_line_from_json(to_json(JoinLine{"sudo meshnode --key @-", "mesh1abc"}));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->command, "sudo meshnode --key @-");
  EXPECT_EQ(line->token, "mesh1abc");
}

// The library recurses: a deep answer of a false daemon must not end meshctl.
TEST(Protocol, ADeepAnswerIsNoAnswer) {
  const std::string deep(100'000, '[');
  const std::string line = R"({"ok":true,"result":)" + deep + std::string(deep.size(), ']') + "}\n";
  EXPECT_FALSE(parse_answer(line));
  EXPECT_FALSE(parse_request(line));
  EXPECT_FALSE(join_line_from_json(line));
}

}  // namespace
}  // namespace meshnode::control
