/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "exec/daemon/instance.h"

#define EXIT_USAGE 1
#define EXIT_INSTANCE_NAME 36

enum {
	OPTION_INSTANCE = 256,
	OPTION_NODE,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_CHECK_PLUGIN,
	OPTION_PRINT_CONFIG,
	OPTION_FORMAT,
	OPTION_HELP_CONFIG,
	OPTION_CHECK_RELOAD,
	OPTION_DOCTOR,
	OPTION_REPAIR_RING_SEQ,
	OPTION_USER,
};

static const struct option long_options[] = {
	{"instance", required_argument, NULL, OPTION_INSTANCE},
	{"node", required_argument, NULL, OPTION_NODE},
	{"check-plugin", required_argument, NULL, OPTION_CHECK_PLUGIN},
	{"print-config", optional_argument, NULL, OPTION_PRINT_CONFIG},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"help-config", no_argument, NULL, OPTION_HELP_CONFIG},
	{"doctor", no_argument, NULL, OPTION_DOCTOR},
	{"check-reload", no_argument, NULL, OPTION_CHECK_RELOAD},
	{"repair-ring-seq", no_argument, NULL, OPTION_REPAIR_RING_SEQ},
	{"user", required_argument, NULL, OPTION_USER},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *to, const char *name)
{
	fprintf(to,
		"usage: %s [-f] [-t] [-c FILE] [-l FILE] [--instance NAME] [--node NAME] [--user NAME]\n"
		"  -c FILE               read this config file\n"
		"  -f                    stay in the foreground\n"
		"  -l FILE               lock this file, and write the process id into it\n"
		"  -t                    check the config and exit\n"
		"  -v, --version         print the version and exit\n"
		"  --format FORM         the config is coterie.conf (coterie) or corosync.conf (corosync)\n"
		"  --instance NAME       run a second daemon on this host, with its own names and folders\n"
		"  --node NAME           this host is the node of that name\n"
		"  --user NAME           become this user, and keep few rights of root\n"
		"  --check-plugin FILE   load a plugin, try it without a ring, and exit\n"
		"  --print-config[=FORM] print the config as coterie (the default), corosync, cmap or json\n"
		"  --help-config [BLOCK [NAME]]  print the options of coterie.conf\n"
		"  --doctor              with -t: look at this host and its network, before the first start\n"
		"  --check-reload        print what a reload of the running daemon would change\n"
		"  --repair-ring-seq     make a stored ring id that is damaged or used up usable again\n"
		"  --help                print this text\n"
		"A word in place of the options is a command of coterie-ctl(8).\n"
		"See coterie(8).\n",
		name);
}

static bool parse_format(const char *text, enum config_format *format)
{
	static const char *const words[] = {[CONFIG_FORMAT_AUTO] = "auto",
		[CONFIG_FORMAT_COTERIE] = "coterie",
		[CONFIG_FORMAT_COROSYNC] = "corosync"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*format = (enum config_format)i;
			return true;
		}
	}
	return false;
}

/* Parse the name of a form of printed configuration. "keys" is the old name of "cmap". */
static bool parse_form(const char *text, enum config_form *form)
{
	static const struct {
		const char *word;
		enum config_form form;
	} words[] = {{"coterie", CONFIG_FORM_COTERIE}, {"corosync", CONFIG_FORM_COROSYNC}, {"cmap", CONFIG_FORM_CMAP},
		{"keys", CONFIG_FORM_CMAP}, {"json", CONFIG_FORM_JSON}};

	*form = CONFIG_FORM_COTERIE;
	if (text == NULL)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*form = words[i].form;
			return true;
		}
	}
	return false;
}

/* Check the options. An empty environment variable counts as not set. */
static int check(struct options *options)
{
	if (options->config != NULL && options->config[0] == '\0')
		options->config = NULL;
	if (options->instance != NULL && options->instance[0] == '\0')
		options->instance = NULL;
	if (options->instance != NULL && !instance_name_is_valid(options->instance)) {
		fprintf(stderr,
			"'%s' is not an instance name: use 1 to 31 of a-z, 0-9, '-' and '_', the first a letter "
			"or digit\n",
			options->instance);
		return EXIT_INSTANCE_NAME;
	}
	return -1;
}

/* Return the exit status, or -1: go on */
static int take_option(const char *name, int option, struct options *options)
{
	switch (option) {
	case 'c':
		options->config = optarg;
		break;
	case 'f':
		options->is_foreground = true;
		break;
	case 'l':
		options->lock_file = optarg;
		break;
	case 't':
		options->is_test = true;
		break;
	case OPTION_INSTANCE:
		options->instance = optarg;
		break;
	case OPTION_NODE:
		options->node = optarg;
		break;
	case OPTION_USER:
		options->user = optarg[0] != '\0' ? optarg : NULL;
		break;
	case OPTION_CHECK_PLUGIN:
		options->check_plugin = optarg;
		break;
	case OPTION_PRINT_CONFIG:
		if (!parse_form(optarg, &options->form)) {
			fprintf(stderr, "%s: no form '%s': choose coterie, corosync, cmap or json\n", name, optarg);
			return EXIT_USAGE;
		}
		options->is_test = options->is_print = true;
		break;
	case OPTION_HELP_CONFIG:
		options->is_help_config = true;
		break;
	case OPTION_CHECK_RELOAD:
		options->is_test = options->is_check_reload = true;
		break;
	case OPTION_DOCTOR:
		options->is_test = options->is_doctor = true;
		break;
	case OPTION_REPAIR_RING_SEQ:
		options->is_test = options->is_repair = true;
		break;
	case OPTION_FORMAT:
		if (!parse_format(optarg, &options->format)) {
			fprintf(stderr, "%s: no format '%s': choose coterie, corosync or auto\n", name, optarg);
			return EXIT_USAGE;
		}
		break;
	case OPTION_HELP:
		usage(stdout, name);
		return 0;
	case 'v':
	case OPTION_VERSION:
		/* Existing tools read the quoted version in this line. */
		printf("Coterie %s, compatible with Corosync Cluster Engine, version '3.1.7'\n", PACKAGE_VERSION);
		return 0;
	default:
		usage(stderr, name);
		return EXIT_USAGE;
	}
	return -1;
}

/* Take the arguments that follow all options. */
static void take_arguments(int argc, char **argv, struct options *options)
{
	if (options->check_plugin != NULL && optind < argc)
		options->check_fd = atoi(argv[optind]) > 2 ? atoi(argv[optind]) : -1;
	if (options->check_fd >= 0 && optind + 1 < argc)
		options->check_bound_ms = (uint32_t)strtoul(argv[optind + 1], NULL, 10);
	if (options->is_help_config && optind < argc)
		options->help_block = argv[optind];
	if (options->is_help_config && optind + 1 < argc)
		options->help_name = argv[optind + 1];
}

int options_parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){
		.config = getenv("COTERIE_CONFIG"),
		.instance = getenv("COTERIE_INSTANCE"),
		.check_fd = -1,
	};
	while ((option = getopt_long(argc, argv, "c:fl:tv", long_options, NULL)) != -1) {
		int exit_code = take_option(argv[0], option, options);

		if (exit_code >= 0)
			return exit_code;
	}
	take_arguments(argc, argv, options);
	return check(options);
}

static int absolute(const char *file, char path[4096])
{
	char *cwd = file[0] == '/' ? NULL : getcwd(NULL, 0);

	if (file[0] != '/' && cwd == NULL)
		return -errno;
	int length = cwd == NULL ? snprintf(path, 4096, "%s", file) : snprintf(path, 4096, "%s/%s", cwd, file);
	free(cwd);
	return length >= 4096 ? -ENAMETOOLONG : 0;
}

int options_config_path(const struct options *options, char path[4096], const char **drop_ins)
{
	static const char native[] = SYSCONF_DIR "/coterie/coterie.conf";
	static const char legacy[] = SYSCONF_DIR "/corosync/corosync.conf";
	int length;

	*drop_ins = NULL;
	if (options->config != NULL)
		return absolute(options->config, path);
	if (options->instance != NULL) {
		length = snprintf(path, 4096, SYSCONF_DIR "/coterie/%s.conf", options->instance);
		if (length < 4096 && access(path, F_OK) == 0)
			return 0;
	}
	if (access(native, F_OK) == 0) {
		*drop_ins = SYSCONF_DIR "/coterie/conf.d";
		return absolute(native, path);
	}
	return access(legacy, F_OK) == 0 ? absolute(legacy, path) : -ENOENT;
}
