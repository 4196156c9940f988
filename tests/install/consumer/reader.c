/* SPDX-License-Identifier: MIT */
/** reader.c: counts the goroutines that a trace tells of. */
#include <gtrace.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct gtrace_reader *r = NULL;
	struct gtrace_error err;
	struct gtrace_event ev;
	int goroutines = 0;

	if (argc != 2 || gtrace_reader_open(&r, argv[1], &err) < 0)
		return 2;
	while (gtrace_reader_next(r, &ev, &err) > 0)
		goroutines += ev.id == GTRACE_GO_NEW;
	gtrace_reader_close(r);
	printf("%d\n", goroutines);
	return 0;
}
