# plugins/wd: watchdog.
