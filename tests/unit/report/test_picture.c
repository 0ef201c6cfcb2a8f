#include "report/picture.h"

#include "../space/fixture.h"
#include "support.h"

static const char dying[] =
    "{\"name\": \"dying\", \"normal\": {\"nodes\": [[], [[\"sep_conv_3x3\", 2], "
    "[\"max_pool_3x3\", 2]], [[\"skip_connect\", 1]], [[\"dil_conv_5x5\", 4]]], \"concat\": [0, "
    "1, 3]}, \"reduce\": {\"nodes\": [[[\"sep_conv_3x3\", 0], [\"sep_conv_5x5\", 0]], [], [], "
    "[[\"avg_pool_3x3\", 1]]], \"concat\": [0]}}";

static void read_dying(struct snas_space *space, struct snas_genotype *g)
{
    struct snas_err err = {0};
    fixture_darts(space);
    assert_ok(snas_genotype_parse("dying", dying, strlen(dying), space, g, &err), &err);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

static void genotype_life__spreads_through_the_cell_when_a_node_has_no_input(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    struct snas_genotype_life life;
    read_dying(&space, &g);
    snas_genotype_life(&space.kinds[0], &g.cells[0], &life);
    const int zero[] = {0, 0, 1, 1, 0, 0}, unread[] = {1, 0, 0, 0, 0, 0};
    assert_memory_equal(life.zero, zero, sizeof zero);
    assert_memory_equal(life.unread, unread, sizeof unread);
    snas_genotype_life(&space.kinds[1], &g.cells[1], &life);
    const int zero1[] = {0, 0, 0, 1, 1, 0}, unread1[] = {0, 1, 0, 1, 1, 1};
    assert_memory_equal(life.zero, zero1, sizeof zero1);
    assert_memory_equal(life.unread, unread1, sizeof unread1);
}

static void genotype_depth__follows_only_what_lives_and_is_read_when_counted(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    read_dying(&space, &g);
    assert_int_equal(snas_genotype_depth(&space.kinds[0], &g.cells[0]), 2);
    g.cells[0].n_concat = 2; /* the two that are zero */
    assert_int_equal(snas_genotype_depth(&space.kinds[0], &g.cells[0]), 0);
    assert_int_equal(snas_genotype_depth(&space.kinds[1], &g.cells[1]), 1);
}

static void picture_svg__draws_an_arc_per_edge_and_marks_the_dead_when_drawn(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    struct snas_text svg = {0};
    struct snas_err err = {0};
    read_dying(&space, &g);
    snas_picture_svg(&space, &g, 0, &svg);
    assert_ok(snas_text_check(&svg, &err), &err);
    assert_int_equal(count(svg.data, "<path class=\"arc"), 4);
    assert_int_equal(count(svg.data, "<path class=\"arc dead"), 2); /* those of zero node0 */
    assert_int_equal(count(svg.data, ">sep_conv_3x3</text>"), 1);
    assert_int_equal(count(svg.data, ">zero</text>"), 2);
    assert_int_equal(count(svg.data, ">unread</text>"), 1); /* in0 */
    assert_int_equal(count(svg.data, "<path class=\"out"), 3);
    snas_text_clear(&svg);
}

/* Names of two edges must not meet: no two labels of a cell at one place. */
static void picture_svg__keeps_names_apart_when_edges_are_parallel(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    struct snas_text svg = {0};
    int at[16][2], n = 0;
    read_dying(&space, &g);
    snas_picture_svg(&space, &g, 1, &svg);
    for (const char *p = svg.data; (p = strstr(p, "<text class=\"op")) != NULL; p++, n++) {
        at[n][0] = (int)strtol(strstr(p, " x=\"") + 4, NULL, 10);
        at[n][1] = (int)strtol(strstr(p, " y=\"") + 4, NULL, 10);
    }
    assert_int_equal(n, 3);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            assert_true(abs(at[i][0] - at[j][0]) >= 70 || abs(at[i][1] - at[j][1]) >= 14);
    snas_text_clear(&svg);
}

static void picture_dot__has_an_arrow_per_edge_when_drawn(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    struct snas_text dot = {0};
    const int used[SNAS_MAX_KINDS] = {1, 0};
    read_dying(&space, &g);
    snas_picture_dot(&space, &g, NULL, &dot);
    assert_int_equal(count(dot.data, " -> "), 4 + 3 + 3 + 1);
    assert_int_equal(count(dot.data, "subgraph"), 2);
    snas_text_clear(&dot);
    dot = (struct snas_text){0};
    snas_picture_dot(&space, &g, used, &dot);
    assert_int_equal(count(dot.data, "subgraph"), 1);
    assert_contains(dot.data, "k0_2 -> k0_3 [label=\"sep_conv_3x3\"");
    snas_text_clear(&dot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genotype_life__spreads_through_the_cell_when_a_node_has_no_input),
        cmocka_unit_test(genotype_depth__follows_only_what_lives_and_is_read_when_counted),
        cmocka_unit_test(picture_svg__draws_an_arc_per_edge_and_marks_the_dead_when_drawn),
        cmocka_unit_test(picture_svg__keeps_names_apart_when_edges_are_parallel),
        cmocka_unit_test(picture_dot__has_an_arrow_per_edge_when_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
