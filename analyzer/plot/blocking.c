/* SPDX-License-Identifier: MIT */
/** blocking.c: how long goroutines waited at each place. */
#include "plot/figures.h"
#include "plot/query.h"

enum {
	BLOCKING_SHOWN = 12,
	BLOCKING_OTHER = 7, // the kind of the bar of all others; the rest are blocking.sql's
	BLOCKING_HEIGHT = 30,
};

struct blocking {
	struct figure *figure;
	size_t bars, others;
	double longest_ns; // bar
	double other_ns;
	int64_t other_waits, other_longest_ns, other_still;
};

static void blocking_bar(struct blocking *b, double total_ns, int kind, const char *label,
                         const int64_t *facts)
{
	struct figure *f = b->figure;
	char total[32], longest[32], tip[128];

	b->bars++;
	fprintf(f->data.file, "%zu\t%.0f\t%d\n", b->bars, total_ns, kind);
	figure_put_text(f, "bar", b->bars, label);
	figure_time(total, sizeof total, total_ns);
	figure_time(longest, sizeof longest, (double)facts[1]);
	int n = snprintf(tip, sizeof tip, "%s, %lld %s", total, (long long)facts[0],
	                 facts[0] == 1 ? "wait" : "waits");

	if (facts[0] > 1)
		n += snprintf(tip + n, sizeof tip - (size_t)n, ", longest %s", longest);
	if (facts[2])
		snprintf(tip + n, sizeof tip - (size_t)n, ", %lld still", (long long)facts[2]);
	figure_put_text(f, "fact", b->bars, tip);
	figure_put(f, "bar_ns", b->bars, total_ns);
	if (total_ns > b->longest_ns)
		b->longest_ns = total_ns;
}

static int blocking_row(void *arg, sqlite3_stmt *stmt)
{
	struct blocking *b = arg;
	double total_ns = sqlite3_column_double(stmt, 6);
	int64_t facts[] = {sqlite3_column_int64(stmt, 7), sqlite3_column_int64(stmt, 8),
	                   sqlite3_column_int64(stmt, 9)};
	char label[200];

	if (b->bars < BLOCKING_SHOWN) {
		int n = snprintf(label, sizeof label, "%.30s ", query_text(stmt, 4));

		figure_site(label + n, sizeof label - (size_t)n, query_text(stmt, 0), query_text(stmt, 1),
		            sqlite3_column_int(stmt, 2), query_text(stmt, 3));
		blocking_bar(b, total_ns, sqlite3_column_int(stmt, 5), label, facts);
		return 0;
	}
	b->others++;
	b->other_ns += total_ns;
	b->other_waits += facts[0];
	b->other_still += facts[2];
	if (facts[1] > b->other_longest_ns)
		b->other_longest_ns = facts[1];
	return 0;
}

int figure_blocking(struct figure *f, sqlite3 *db, void *nothing)
{
	struct blocking b = {.figure = f};

	(void)nothing;
	figure_array(f, "bar", BLOCKING_SHOWN + 1);
	figure_array(f, "bar_ns", BLOCKING_SHOWN + 1);
	figure_array(f, "fact", BLOCKING_SHOWN + 1);
	figure_block(f, "bar, time waited in ns, kind");
	int err = query_each(db, "sql/plot/blocking.sql", "waits", blocking_row, &b);

	if (!err && b.others) {
		int64_t facts[] = {b.other_waits, b.other_longest_ns, b.other_still};
		char label[64];

		snprintf(label, sizeof label, "%zu other places", b.others);
		blocking_bar(&b, b.other_ns, BLOCKING_OTHER, label, facts);
	}
	if (!b.bars)
		f->nothing = "no goroutine waited";
	fprintf(f->vars.file, "bars = %zu\nlongest = %.0f.0\n", b.bars, b.longest_ns);
	f->rows = BLOCKING_HEIGHT * (int)b.bars;
	return err;
}
