# services/evs/man: libevs, section 3.
