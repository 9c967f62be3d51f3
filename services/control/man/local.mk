dist_man_MANS += %D%/coterie-control.7
