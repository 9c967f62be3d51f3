/*
 * Print numbers, places of members, and the kinds and sizes of a function's arguments, for layout.py.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cstddef>
#include <cstdio>
#include <type_traits>
template <class T> void kind()
{
	printf(" %c%zu", std::is_pointer<T>::value ? 'p' : std::is_class<T>::value ? 's' : 'n', sizeof(T));
}
template <class R> void result() { kind<R>(); }
template <> void result<void>() { printf(" void"); }
template <class R, class... A> void show(const char *name, R (*)(A...))
{
	printf("%s", name);
	result<R>();
	int each[] = {0, (kind<A>(), 0)...};
	(void)each;
	printf("\n");
}
#define SHOW(name) show(#name, static_cast<decltype(&name)>(nullptr)) /* no library is linked */
#define SHOW_TYPE(name) show(#name, static_cast<name>(nullptr))
#define NUMBER(name) printf("%s %lld\n", #name, static_cast<long long>(name))
#define PLACE(type, member) printf("%s.%s %zu %zu\n", #type, #member, offsetof(type, member), sizeof(type::member))
