#include "exec/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "exec/instance.h"

#define EXIT_USAGE 1
#define EXIT_INSTANCE_NAME 36

enum { OPTION_INSTANCE = 256, OPTION_NODE, OPTION_HELP, OPTION_VERSION, OPTION_CHECK_PLUGIN, OPTION_PRINT_CONFIG };

static const struct option long_options[] = {
	{"instance", required_argument, NULL, OPTION_INSTANCE},
	{"node", required_argument, NULL, OPTION_NODE},
	{"check-plugin", required_argument, NULL, OPTION_CHECK_PLUGIN},
	{"print-config", optional_argument, NULL, OPTION_PRINT_CONFIG},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *to, const char *name)
{
	fprintf(to,
		"usage: %s [-f] [-t] [-c FILE] [--instance NAME] [--node NAME]\n"
		"  -c FILE               read this config file\n"
		"  -f                    stay in the foreground\n"
		"  -t                    check the config and exit\n"
		"  -v, --version         print the version and exit\n"
		"  --instance NAME       run a second daemon on this host, with its own names and folders\n"
		"  --node NAME           this host is the node of that name\n"
		"  --check-plugin FILE   load a plugin, try it without a ring, and exit\n"
		"  --print-config[=keys] print the keys that the config makes, and exit\n"
		"  --help                print this text\n"
		"See coterie(8).\n",
		name);
}

int options_parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){
		.config = getenv("COTERIE_CONFIG"),
		.instance = getenv("COTERIE_INSTANCE"),
	};
	while ((option = getopt_long(argc, argv, "c:ftv", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'f':
			options->is_foreground = true;
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
		case OPTION_CHECK_PLUGIN:
			options->check_plugin = optarg;
			break;
		case OPTION_PRINT_CONFIG:
			if (optarg != NULL && strcmp(optarg, "keys") != 0) {
				fprintf(stderr, "%s: no form '%s': keys is the one there is\n", argv[0], optarg);
				return EXIT_USAGE;
			}
			options->is_test = options->is_print = true;
			break;
		case OPTION_HELP:
			usage(stdout, argv[0]);
			return 0;
		case 'v':
		case OPTION_VERSION:
			/* Tools of the field take the quoted version of this line. */
			printf("Coterie %s, compatible with Corosync Cluster Engine, version '3.1.7'\n",
				PACKAGE_VERSION);
			return 0;
		default:
			usage(stderr, argv[0]);
			return EXIT_USAGE;
		}
	}
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

static int absolute(const char *file, char path[4096])
{
	char *cwd = file[0] == '/' ? NULL : getcwd(NULL, 0);

	if (file[0] != '/' && cwd == NULL)
		return -errno;
	int length = cwd == NULL ? snprintf(path, 4096, "%s", file) : snprintf(path, 4096, "%s/%s", cwd, file);
	free(cwd);
	return length >= 4096 ? -ENAMETOOLONG : 0;
}

int options_config_path(const struct options *options, char path[4096])
{
	static const char *const defaults[] = {
		SYSCONF_DIR "/coterie/coterie.conf",
		SYSCONF_DIR "/corosync/corosync.conf",
	};

	if (options->config != NULL)
		return absolute(options->config, path);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (access(defaults[i], F_OK) == 0)
			return absolute(defaults[i], path);
	return -ENOENT;
}
