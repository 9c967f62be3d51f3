/*
 * Tests of the motto in a simulated cluster: test_motto FILE. Each seed is a separate run.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <coterie/testkit.h>

#include "motto.hpp"

namespace {

constexpr std::uint32_t nodes = 3;
constexpr int cs_ok = 1, cs_err_invalid_param = 7;
int failures;

void check(bool is_true, std::uint64_t seed, const char *what)
{
	if (!is_true) {
		failures++;
		std::printf("FAILED with seed %llu: %s\n", static_cast<unsigned long long>(seed), what);
	}
}

int set(testkit *kit, std::uint32_t node, std::string_view words, std::uint32_t length)
{
	motto::set_request request{};
	testkit_client *client;

	request.header.id = motto::request_set;
	request.header.size = sizeof(request);
	request.value.length = length;
	std::memcpy(request.value.bytes, words.data(), words.size());
	if (testkit_connect(kit, node, "motto", &client) < 0)
		return 0;
	auto reply = testkit_call(client, &request, sizeof(request));
	const int error = reply == nullptr ? 0 : static_cast<const coterie_response_header *>(reply)->error;
	testkit_disconnect(client);
	return error;
}

std::string get(testkit *kit, std::uint32_t node)
{
	motto::get_request request{};
	testkit_client *client;
	std::string words = "no answer";

	request.header.id = motto::request_get;
	request.header.size = sizeof(request);
	if (testkit_connect(kit, node, "motto", &client) < 0)
		return words;
	const void *reply = testkit_call(client, &request, sizeof(request));
	if (reply != nullptr) {
		const auto *answer = static_cast<const motto::get_response *>(reply);
		words.assign(answer->value.bytes, answer->value.length);
	}
	testkit_disconnect(client);
	return words;
}

void play(std::uint64_t seed, const char *file)
{
	testkit *kit = testkit_create(seed, nodes);

	if (kit == nullptr || testkit_load_file(kit, TESTKIT_ALL, file, nullptr) < 0 ||
		testkit_start(kit, TESTKIT_ALL) < 0) {
		std::printf("FAILED: %s does not start: %s\n", file, kit == nullptr ? "" : testkit_error(kit));
		failures++;
		return;
	}
	check(testkit_settle(kit, 30000) == 0, seed, "the nodes find each other");
	check(set(kit, 1, "one", 3) == cs_ok, seed, "a client sets the text");
	check(set(kit, 1, "", motto::text_max + 1) == cs_err_invalid_param, seed, "a wrong length is refused");
	testkit_run(kit, 1000);
	check(get(kit, 3) == "one", seed, "another node has it");
	testkit_part(kit, "1 | 2 3");
	check(testkit_settle(kit, 30000) == 0, seed, "both sides go on");
	check(set(kit, 1, "alone", 5) == cs_ok && set(kit, 2, "two", 3) == cs_ok, seed, "and set texts");
	testkit_run(kit, 1000);
	check(set(kit, 2, "three", 5) == cs_ok, seed, "one of them twice");
	testkit_run(kit, 1000);
	check(get(kit, 1) == "alone" && get(kit, 3) == "three", seed, "each for itself");
	testkit_heal(kit);
	check(testkit_settle(kit, 30000) == 0, seed, "they meet again");
	for (std::uint32_t node = 1; node <= nodes; node++)
		check(get(kit, node) == "three", seed, "and the highest revision counts");
	testkit_crash(kit, 2);
	testkit_start(kit, 2);
	check(testkit_settle(kit, 30000) == 0 && get(kit, 2) == "three", seed, "a node comes back and has the text");
	check(testkit_destroy(kit) == 0, seed, "no complaint");
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	for (std::uint64_t seed = 1; seed <= 20; seed++)
		play(seed, argv[1]);
	std::printf("%d failures\n", failures);
	return failures > 0;
}
