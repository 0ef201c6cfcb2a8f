#include <math.h>

#include "space/cost_table.h"
#include "testing.h"

enum { N_OPS = 8 };
static const char *const op_names[N_OPS] = {"none",         "max_pool_3x3", "avg_pool_3x3",
                                            "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
                                            "dil_conv_3x3", "dil_conv_5x5"};

struct cost {
    double params, madds, mac;
};

/* Multiply-adds with BN and ReLU: what the table's ops have beside their convolutions. x2: values
 * of a channel of the input. Sep convs have two ReLUs and BNs, the first of the input. */
static double madds_all(const char *op, int stride, double c, double x2, double y2, double conv)
{
    if (strstr(op, "sep_conv"))
        return conv + c * (x2 + y2) + 2 * 2 * c * y2;
    if (strstr(op, "dil_conv") || (strcmp(op, "skip_connect") == 0 && stride == 2))
        return conv + c * x2 + 2 * c * y2;
    return strstr(op, "pool") ? 9 * c * y2 + 2 * c * y2 : 0;
}

/* Bytes that the op's largest layer reads and writes. */
static double peak_bytes(const char *op, int stride, double c, double x2, double y2)
{
    if (strcmp(op, "none") == 0)
        return 0;
    if (strcmp(op, "skip_connect") == 0 && stride == 1)
        return 4 * c * y2;
    return strstr(op, "pool") ? 4 * c * (x2 + y2) : 4 * 2 * c * x2; /* the ReLU of the input */
}

/* The table of method.md section 4, written out by hand: C channels, output side y. */
static struct cost table_entry(const char *op, int stride, double c, double y)
{
    double y2 = y * y;
    int s1 = stride == 1;
    if (strstr(op, "sep_conv") || strstr(op, "dil_conv")) {
        double k = strstr(op, "3x3") ? 3 : 5;
        if (strstr(op, "sep_conv")) {
            double p = 2 * c * k * k + 2 * c * c;
            return (struct cost){p, p * y2, y2 * (s1 ? 8 * c : 11 * c) + p};
        }
        double p = c * k * k + c * c;
        return (struct cost){p, p * y2, y2 * (s1 ? 4 * c : 7 * c) + p};
    }
    if (strstr(op, "pool"))
        return (struct cost){0, 9 * y2 * c, (s1 ? 2 : 5) * y2 * c};
    if (strcmp(op, "skip_connect") == 0)
        return s1 ? (struct cost){0, 0, 2 * c * y2}
                  : (struct cost){c * c, c * c * y2, 2 * y2 * (4 * c + c / 2) + c * c};
    return (struct cost){0, 0, 0};
}

static void cost__equals_the_table_when_the_op_is_any_of_darts(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    struct snas_cost_table table;
    struct snas_err err = {0};
    assert_ok(snas_cost_table_create(net, &table, &err), &err);
    assert_int_equal(table.n_z, 8 * 14 * N_OPS);
    int seen = 0;
    for (int ci = 0; ci < net->n_cells; ci++) {
        const struct snas_cell *cell = &net->cells[ci];
        /* C doubles and the side halves at cells 2 and 5. */
        double c = ci < 2 ? 16 : ci < 5 ? 32 : 64, y = ci < 2 ? 32 : ci < 5 ? 16 : 8;
        for (int e = cell->first_edge; e < cell->first_edge + cell->n_edges; e++)
            for (int k = 0; k < N_OPS; k++, seen++) {
                int z = net->edges[e].z + k;
                struct cost want = table_entry(op_names[k], net->edges[e].stride, c, y);
                assert_true(table.column[SNAS_COST_PARAMS][z] == want.params);
                assert_true(table.column[SNAS_COST_MADDS][z] == want.madds);
                assert_true(table.column[SNAS_COST_MAC][z] == want.mac);
                int stride = net->edges[e].stride;
                double y2 = y * y, x2 = stride * stride * y2;
                double conv = strstr(op_names[k], "pool") ? 0 : want.madds;
                assert_true(table.column[SNAS_COST_MADDS_CONV][z] == conv);
                assert_true(table.column[SNAS_COST_MADDS_ALL][z] ==
                            madds_all(op_names[k], stride, c, x2, y2, conv));
                assert_true(table.column[SNAS_COST_PEAK_BYTES][z] ==
                            peak_bytes(op_names[k], stride, c, x2, y2));
                const double *edge =
                    snas_cost_edge(&table, net, SNAS_COST_MADDS, ci, e - cell->first_edge);
                assert_ptr_equal(edge + k, &table.column[SNAS_COST_MADDS][z]);
            }
    }
    assert_int_equal(seen, table.n_z);
    snas_cost_table_clear(&table);
    snas_network_destroy(net);
}

static void cost__equals_the_check_values_when_c_is_16_and_n_is_32(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    double cost[SNAS_COST_COLUMNS];
    int first = net->edges[0].first_block;
    snas_cost_block(net, first + 4, cost); /* sep_conv_3x3 */
    assert_true(cost[0] == 800 && cost[1] == 819200 && cost[2] == 131872);
    snas_cost_block(net, first + 7, cost); /* dil_conv_5x5 */
    assert_true(cost[0] == 656 && cost[1] == 671744 && cost[2] == 66192);
    snas_cost_block(net, first + 1, cost); /* max_pool_3x3 */
    assert_true(cost[0] == 0 && cost[1] == 147456 && cost[2] == 32768);
    snas_network_destroy(net);
}

/* The authors' log form of an edge at uniform alpha. */
static double log_form(const struct snas_network *net, int edge)
{
    double sum = 0;
    double total[SNAS_COST_COLUMNS] = {0};
    for (int k = 0; k < N_OPS; k++) {
        double cost[SNAS_COST_COLUMNS];
        snas_cost_block(net, net->edges[edge].first_block + k, cost);
        for (int column = 0; column <= SNAS_COST_MAC; column++)
            total[column] += cost[column] / N_OPS;
    }
    for (int column = 0; column <= SNAS_COST_MAC; column++)
        sum += log(total[column] < 1 ? 1 : total[column]);
    assert_true(fabs(snas_cost_log_form(total) - sum / 3) < 1e-12);
    return sum / 3;
}

static void cost__gives_the_known_expectation_when_alpha_is_uniform(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("darts", &space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    double sum[2] = {0, 0};
    for (int c = 0; c < net->n_cells; c++)
        for (int e = 0; e < net->cells[c].n_edges; e++)
            sum[net->cells[c].reduction] += log_form(net, net->cells[c].first_edge + e);
    assert_true(fabs(sum[0] - 846.718610) < 1e-6);
    assert_true(fabs(sum[1] - 287.459651) < 1e-6);
    assert_true(fabs(sum[0] / 6 - 141.119768) < 1e-6);
    assert_true(fabs(sum[1] / 2 - 143.729826) < 1e-6);
    snas_network_destroy(net);
}

static void cost__combined_forms_are_the_authors_when_the_op_is_known(void **state)
{
    (void)state;
    const double sep3[SNAS_COST_COLUMNS] = {800, 819200, 131872}, none[SNAS_COST_COLUMNS] = {0};
    const double skip[SNAS_COST_COLUMNS] = {0, 0, 32768}, half[SNAS_COST_COLUMNS] = {0.5, 0, 2};
    assert_true(fabs(snas_cost_log_form(sep3) - 10.70) < 0.005);
    assert_true(fabs(snas_cost_log_form(skip) - 3.47) < 0.005);
    assert_true(fabs(snas_cost_log_form(half) - log(2) / 3) < 1e-12);
    assert_true(snas_cost_log_form(none) == 0 && snas_cost_linear_form(none) == 0);
    assert_true(fabs(snas_cost_linear_form(sep3) - 0.43 * (1600 + 204.8 + 1318.72)) < 1e-9);
}

static void assert_totals(const char *space_name, const char *genotype,
                          const struct snas_network_options *o, int64_t params, int64_t madds)
{
    struct snas_space space;
    struct snas_genotype g;
    read_space(space_name, &space);
    read_genotype(genotype, &space, &g);
    struct snas_network *net = make_network(&space, o, &g);
    struct snas_totals totals;
    snas_network_totals(net, NULL, &totals);
    assert_int_equal(totals.params, params);
    assert_int_equal(snas_network_param_count(net), params);
    assert_int_equal(totals.madds, madds);
    snas_network_destroy(net);
}

static void totals__equal_the_published_ones_when_the_genotype_is_published(void **state)
{
    (void)state;
    struct snas_network_options o = evaluation_options();
    assert_totals("darts", "DARTS_V1", &o, 3169414, 500987520);
    assert_totals("darts", "DARTS_V2", &o, 3349342, 528359040);
    assert_totals("darts", "SNAS_mild", &o, 2661382, 422218368);
    o.pool_bn = 1;
    assert_totals("darts", "SNAS_mild", &o, 2663542, 422218368);
    struct snas_network_options imagenet = {
        .channels = 48, .layers = 14, .input = {3, 224, 224}, .classes = 1000, .affine = 1};
    assert_totals("darts-imagenet", "DARTS_V2", &imagenet, 4718752, 529911552);
}

/* A network small enough to count by hand: one normal cell of one node with one op. */
static void totals__equal_a_count_by_hand_when_the_network_is_small(void **state)
{
    (void)state;
    static const char *const ops[] = {"none", "max_pool_3x3", "sep_conv_3x3"};
    struct snas_space space;
    fixture_space(&space, 1, 3, ops);
    space.n_kinds = 1;
    space.n_reduce_at = 0;
    struct snas_genotype g = {.name = "hand"};
    g.cells[0] = (struct snas_genotype_cell){
        .n_nodes = 1, .n_choices = {2}, .choices = {{{1, 0}, {2, 1}}}, .n_concat = 1};
    struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 4, 4}, .classes = 3, .affine = 1};
    struct snas_network *net = make_network(&space, &o, &g);
    struct snas_totals t;
    snas_network_totals(net, NULL, &t);
    /* stem 1 -> 6 channels, two preprocessings 6 -> 2, sep_conv 2 -> 2 twice, head 2 -> 3 */
    int64_t conv = 9 * 6 + 2 * (6 * 2) + 2 * (9 * 2 + 2 * 2) + (2 * 3 + 3);
    assert_int_equal(t.conv_params, conv);
    assert_int_equal(t.params, conv + 2 * (6 + 2 + 2 + 2 + 2));
    int64_t madds = 16 * (9 * 6 + 2 * 12 + 2 * 22) + 2 * 3;
    assert_int_equal(t.madds, madds);
    int64_t bn = 2 * 16 * (6 + 2 + 2 + 2 + 2), relu = 16 * (6 + 6 + 2 + 2);
    int64_t max = 9 * 16 * 2, sum = 16 * 2, gap = 16 * 2;
    assert_int_equal(t.madds_all, madds + bn + relu + max + sum + gap);
    /* stem 2 x 6; preprocessing 2 x (6 + 2 + 2); max 2; sep 8 x 2: x 16 pixels; head 2 + 3 */
    assert_int_equal(t.activation_bytes, 4 * (16 * (12 + 20 + 2 + 16) + 5));
    snas_network_destroy(net);
}

/* Node 1 is dead: what reads it is gone and the head reads half. */
static void add_totals(struct snas_totals *sum, const struct snas_totals *t)
{
    sum->params += t->params;
    sum->conv_params += t->conv_params;
    sum->madds += t->madds;
    sum->madds_all += t->madds_all;
    sum->activation_bytes += t->activation_bytes;
}

static void totals__sum_up_to_the_network_when_taken_part_by_part(void **state)
{
    (void)state;
    struct snas_space space;
    struct snas_genotype genotype;
    struct snas_err err = {0};
    read_space("darts", &space);
    assert_ok(snas_genotype_read("SNAS_mild", &space, &genotype, &err), &err);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, &genotype);
    struct snas_alive alive;
    assert_ok(snas_network_alive(net, &alive, &err), &err);
    for (int pruned = 0; pruned < 2; pruned++) {
        const struct snas_alive *a = pruned ? &alive : NULL;
        struct snas_totals sum = {0}, t, whole;
        for (int i = 0; i < net->n_stems; i++) {
            snas_block_totals(net, a, net->stem[i], &t);
            add_totals(&sum, &t);
        }
        for (int c = 0; c < net->n_cells; c++) {
            snas_cell_totals(net, a, c, &t);
            assert_true(t.madds > 0);
            add_totals(&sum, &t);
        }
        snas_block_totals(net, a, net->head, &t);
        add_totals(&sum, &t);
        snas_network_totals(net, a, &whole);
        assert_memory_equal(&sum, &whole, sizeof sum);
    }
    snas_alive_clear(&alive);
    snas_network_destroy(net);
}

static void totals__leave_dead_parts_out_when_alive_is_given(void **state)
{
    (void)state;
    static const char *const ops[] = {"none", "max_pool_3x3", "sep_conv_3x3"};
    struct snas_space space;
    fixture_space(&space, 2, 3, ops);
    space.n_kinds = 1;
    space.n_reduce_at = 0;
    struct snas_genotype g = {.name = "hand"};
    g.cells[0] = (struct snas_genotype_cell){
        .n_nodes = 2, .n_choices = {1, 0}, .choices = {{{2, 1}}}, .n_concat = 2, .concat = {0, 1}};
    struct snas_network_options o = {
        .channels = 2, .layers = 2, .input = {1, 4, 4}, .classes = 3, .affine = 1};
    struct snas_network *net = make_network(&space, &o, &g);
    struct snas_alive alive;
    struct snas_err err = {0};
    assert_ok(snas_network_alive(net, &alive, &err), &err);
    assert_true(alive.connected);
    struct snas_totals t;
    snas_network_totals(net, &alive, &t);
    /* stem; cell 0: pre1 6 -> 2, sep; cell 1: pre1 2 of 4 -> 2, sep; head 2 of 4 -> 3 */
    int64_t conv = 9 * 6 + 12 + 44 + 4 + 44 + (2 * 3 + 3);
    assert_int_equal(t.conv_params, conv);
    assert_int_equal(t.params, conv + 2 * (6 + 2 + 4 + 2 + 4));
    assert_int_equal(t.madds, 16 * (54 + 12 + 44 + 4 + 44) + 6);
    snas_network_totals(net, NULL, &t);
    assert_int_equal(t.conv_params, 9 * 6 + 12 + 12 + 44 + 12 + 8 + 44 + (4 * 3 + 3));
    snas_alive_clear(&alive);
    snas_network_destroy(net);
}

static enum snas_status attempt_table(void *arg, struct snas_err *err)
{
    struct snas_cost_table table;
    enum snas_status status = snas_cost_table_create(arg, &table, err);
    if (status == SNAS_OK)
        snas_cost_table_clear(&table);
    return status;
}

static void cost_table__frees_all_when_an_allocation_fails(void **state)
{
    (void)state;
    struct snas_space space;
    read_space("tiny", &space);
    struct snas_network_options o = search_options();
    struct snas_network *net = make_network(&space, &o, NULL);
    fail_every_allocation(attempt_table, net);
    snas_network_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost__equals_the_table_when_the_op_is_any_of_darts),
        cmocka_unit_test(cost__equals_the_check_values_when_c_is_16_and_n_is_32),
        cmocka_unit_test(cost__gives_the_known_expectation_when_alpha_is_uniform),
        cmocka_unit_test(cost__combined_forms_are_the_authors_when_the_op_is_known),
        cmocka_unit_test(totals__equal_the_published_ones_when_the_genotype_is_published),
        cmocka_unit_test(totals__equal_a_count_by_hand_when_the_network_is_small),
        cmocka_unit_test(totals__sum_up_to_the_network_when_taken_part_by_part),
        cmocka_unit_test(totals__leave_dead_parts_out_when_alive_is_given),
        cmocka_unit_test(cost_table__frees_all_when_an_allocation_fails),
    };
    return snas_test_run(tests);
}
