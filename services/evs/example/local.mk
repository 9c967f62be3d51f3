# SPDX-License-Identifier: BSD-3-Clause
# services/evs/example: a program to learn from, installed as documentation; a test runs it.
dist_doc_DATA += %D%/evs_chat.c
noinst_PROGRAMS += %D%/evs_chat
%C%_evs_chat_SOURCES = %D%/evs_chat.c
%C%_evs_chat_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
%C%_evs_chat_LDADD = libevs.la
