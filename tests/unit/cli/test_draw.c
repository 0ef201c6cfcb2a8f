#include "cli/draw.h"

#include "../space/fixture.h"
#include "support.h"

static int op(const struct snas_space *space, const char *name)
{
    for (int i = 0; i < space->n_ops; i++)
        if (strcmp(space->ops[i].name, name) == 0)
            return i;
    fail_msg("no op '%s'", name);
    return -1;
}

static void choose(struct snas_space *space, struct snas_genotype_cell *cell, int node,
                   const char *name, int from)
{
    cell->choices[node][cell->n_choices[node]++] =
        (struct snas_choice){.op = op(space, name), .from = from};
}

static void expect(const struct snas_space *space, const struct snas_genotype *genotype,
                   const int *used, const char *want)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    snas_draw_genotype(space, genotype, used, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, want);
    free(text);
}

static void draw_genotype__joins_edges_of_a_node_when_it_has_several(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    fixture_darts(&space);
    for (int k = 0; k < 2; k++)
        g.cells[k].n_nodes = 4;
    struct snas_genotype_cell *normal = &g.cells[0];
    choose(&space, normal, 0, "sep_conv_3x3", 0);
    choose(&space, normal, 0, "skip_connect", 1);
    choose(&space, normal, 2, "max_pool_3x3", 0);
    choose(&space, normal, 2, "dil_conv_5x5", 1);
    choose(&space, normal, 2, "avg_pool_3x3", 2);
    choose(&space, normal, 3, "sep_conv_5x5", 4);
    normal->n_concat = 4;
    for (int i = 0; i < 4; i++)
        normal->concat[i] = i;
    expect(&space, &g, (const int[]){1, 0, 0, 0},
           "  normal cell: 6 edges\n"
           "    in0   --sep_conv_3x3--.\n"
           "    in1   --skip_connect--+-> node0\n"
           "    in0   --max_pool_3x3--.\n"
           "    in1   --dil_conv_5x5--|\n"
           "    node0 --avg_pool_3x3--+-> node2\n"
           "    node2 --sep_conv_5x5----> node3\n"
           "    output: node0 node1 node2 node3 (node1 has no input: zero)\n");
}

static void draw_genotype__names_every_dead_node_when_a_cell_is_empty(void **state)
{
    (void)state;
    static struct snas_space space;
    static struct snas_genotype g;
    fixture_darts(&space);
    g.cells[1].n_nodes = 2;
    choose(&space, &g.cells[0], 0, "sep_conv_3x3", 0);
    g.cells[0].n_nodes = 1;
    expect(&space, &g, NULL,
           "  normal cell: 1 edge\n"
           "    in0 --sep_conv_3x3----> node0\n"
           "    output:\n"
           "  reduce cell: 0 edges\n"
           "    output: (node0 has no input: zero, node1 has no input: zero)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draw_genotype__joins_edges_of_a_node_when_it_has_several),
        cmocka_unit_test(draw_genotype__names_every_dead_node_when_a_cell_is_empty),
    };
    return snas_test_run(tests);
}
