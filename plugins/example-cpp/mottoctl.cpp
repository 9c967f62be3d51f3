/*
 * mottoctl [TEXT]: set the motto, or print it. The variable COTERIE_INSTANCE names the daemon if this host has several.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <iostream>
#include <memory>
#include <string_view>

#include <coterie/client.h>

#include "motto.hpp"

namespace {

constexpr int timeout_ms = 5000; // long enough for a daemon that starts, and for a ring that changes

int set(coterie_connection *connection, std::string_view words)
{
	motto::set_request request{};

	request.header.id = motto::request_set;
	request.header.size = sizeof(request);
	request.value.length = static_cast<std::uint32_t>(words.copy(request.value.bytes, motto::text_max));
	return coterie_connection_call(connection, &request.header, nullptr, 0, timeout_ms);
}

int show(coterie_connection *connection)
{
	motto::get_request request{};
	motto::get_response response{};

	request.header.id = motto::request_get;
	request.header.size = sizeof(request);
	const int rc = coterie_connection_call(connection, &request.header, &response, sizeof(response), timeout_ms);
	if (rc == 0)
		std::cout << std::string_view(response.value.bytes, response.value.length) << '\n';
	return rc;
}

} // namespace

int main(int argc, char **argv)
{
	coterie_connection *opened = nullptr;
	int rc = coterie_connection_open(&opened, "motto", nullptr, timeout_ms);
	const std::unique_ptr<coterie_connection, decltype(&coterie_connection_close)> connection(
		opened, coterie_connection_close);

	if (rc == 0)
		rc = argc > 1 ? set(opened, argv[1]) : show(opened);
	if (rc != 0)
		std::cerr << "mottoctl: " << coterie_error_text(rc) << '\n';
	return rc == 0 ? 0 : 1;
}
