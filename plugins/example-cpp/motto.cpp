/*
 * A text that every node agrees on: an example of a service in C++17.
 *
 * A client's request becomes a ring message, which all nodes deliver in the same order. Only there the text changes.
 * After a change of the ring each node sends its text, and the one with the highest revision counts.
 *
 * The executive is C: no exception may leave a function that it calls. guard() turns them into an errno. The tables are
 * filled by functions, since designated initializers are not part of C++17.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "motto.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <tuple>

namespace {

using motto::ring_message;
using motto::text;

constexpr int cs_ok = 1; // value of the client API's cs_error_t

class service {
public:
	service(const coterie_host *given_host, coterie_ctx *given_ctx) : host(given_host), ctx(given_ctx) {}

	int set(const text &value)
	{
		const std::uint32_t length = value.length; // read once, since a client may change its memory meanwhile

		if (length > motto::text_max)
			return -EINVAL; // the executive answers CS_ERR_INVALID_PARAM
		return send(motto::ring_set, 0, std::string_view(value.bytes, length));
	}

	int get(coterie_client *client) const
	{
		motto::get_response response{};
		iovec part{};

		response.revision = state.revision;
		fill(response.value, state.words);
		// The executive writes the header, so the bytes begin behind the header.
		part.iov_base = reinterpret_cast<std::uint8_t *>(&response) + sizeof(response.header);
		part.iov_len = sizeof(response) - sizeof(response.header);
		host->reply(client, motto::request_get, cs_ok, &part, 1);
		return COTERIE_REPLIED;
	}

	void deliver_set(const ring_message &message)
	{
		if (message.value.length <= motto::text_max)
			state = {state.revision + 1, {message.value.bytes, message.value.length}};
	}

	void deliver_state(const ring_message &message)
	{
		if (message.value.length <= motto::text_max)
			highest = std::max(highest,
				{message.revision, {message.value.bytes, message.value.length}});
	}

	void sync_start() { highest = {}; }
	int sync_step() { return send(motto::ring_state, state.revision, state.words); }
	void sync_done() { state = std::max(state, highest); }

private:
	struct versioned {
		std::uint64_t revision = 0;
		std::string words;

		bool operator<(const versioned &other) const
		{
			return std::tie(revision, words) < std::tie(other.revision, other.words);
		}
	};

	static void fill(text &to, std::string_view from)
	{
		to.length = static_cast<std::uint32_t>(from.size());
		std::copy(from.begin(), from.end(), to.bytes);
	}

	// -EAGAIN: the ring is busy. The executive answers a client CS_ERR_TRY_AGAIN, and calls a synchronisation step
	// again.
	int send(std::uint32_t function, std::uint64_t revision, std::string_view words)
	{
		ring_message message{};
		iovec part{};

		message.revision = revision;
		fill(message.value, words);
		part.iov_base = reinterpret_cast<std::uint8_t *>(&message) + sizeof(message.header);
		part.iov_len = sizeof(message) - sizeof(message.header);
		return host->ring_send(ctx, function, COTERIE_AGREED, &part, 1);
	}

	const coterie_host *host; // borrowed, lives longer than the service
	coterie_ctx *ctx;
	versioned state;
	versioned highest; // text with the highest revision received since sync_start
};

service &of(void *self) { return *static_cast<service *>(self); }

template <class Function> int guard(Function function) noexcept
{
	try {
		return function();
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	} catch (...) {
		return -EIO;
	}
}

template <class Message> const Message &as(const void *bytes) { return *static_cast<const Message *>(bytes); }

int handle_set(void *self, coterie_client *, const void *bytes, std::uint32_t)
{
	return guard([&] { return of(self).set(as<motto::set_request>(bytes).value); });
}

int handle_get(void *self, coterie_client *client, const void *, std::uint32_t)
{
	return guard([&] { return of(self).get(client); });
}

const coterie_request requests[] = {
	// id, size of the shortest request, needs, id of the response, handler
	{motto::request_set, sizeof(motto::set_request), COTERIE_NEEDS_QUORUM | COTERIE_NEEDS_FLOW,
		motto::request_set, handle_set},
	{motto::request_get, sizeof(motto::get_request), COTERIE_OBSERVES, motto::request_get, handle_get},
};

void swap(void *bytes, std::uint32_t)
{
	auto &message = *static_cast<ring_message *>(bytes);

	message.revision = __builtin_bswap64(message.revision);
	message.value.length = __builtin_bswap32(message.value.length);
}

// Without memory for the text, this node would have another text than the other nodes. So its daemon ends
// (std::terminate), and the other nodes continue without it.
void deliver_set(void *self, std::uint32_t, void *bytes, std::uint32_t) noexcept
{
	of(self).deliver_set(as<ring_message>(bytes));
}

void deliver_state(void *self, std::uint32_t, void *bytes, std::uint32_t) noexcept
{
	of(self).deliver_state(as<ring_message>(bytes));
}

const coterie_ring_msg ring_msgs[] = {
	// function, size of the shortest message, byte order, delivery of whole messages, delivery in parts
	{motto::ring_set, sizeof(ring_message), swap, deliver_set, nullptr},
	{motto::ring_state, sizeof(ring_message), swap, deliver_state, nullptr},
};

int init(const coterie_host *host, coterie_ctx *ctx, void **self)
{
	return guard([&] {
		*self = std::make_unique<service>(host, ctx).release();
		return 0;
	});
}

coterie_service make_table()
{
	coterie_service table{};

	table.size = sizeof(table);
	table.ring_id = 47; // the same number on all nodes: ring-ids.md lists the free ones
	table.ipc_name = "motto";
	table.title = "a text that every node agrees on";
	table.init = init;
	table.fini = [](void *self) { delete static_cast<service *>(self); };
	table.sync_start = [](void *self, const std::uint32_t *, std::uint32_t, const coterie_configuration *) {
		of(self).sync_start();
	};
	table.sync_step = [](void *self) { return guard([&] { return of(self).sync_step(); }); };
	table.sync_done = [](void *self) noexcept { of(self).sync_done(); };
	table.requests = requests;
	table.request_count = sizeof(requests) / sizeof(requests[0]);
	table.request_size = sizeof(requests[0]);
	table.ring_msgs = ring_msgs;
	table.ring_msg_count = sizeof(ring_msgs) / sizeof(ring_msgs[0]);
	table.ring_msg_size = sizeof(ring_msgs[0]);
	return table;
}

const coterie_service table = make_table();

} // namespace

COTERIE_PLUGIN(motto, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "a text that every node agrees on",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC, .offers = COTERIE_CAN_UNPRIVILEGED,
	.ops = &table);
