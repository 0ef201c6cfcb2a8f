/* snas-cost network: what a network costs, exactly, without building it. */
#include <inttypes.h>
#include <string.h>

#include "cli/shape.h"
#include "snas-cost/cost.h"

/* What is counted, and what pruning took. */
struct report {
    struct snas_network *net;
    struct snas_totals described, pruned;
    int connected, dead_nodes, dropped_blocks;
};

static void count_pruned(struct report *r, const struct snas_alive *alive)
{
    const struct snas_network *net = r->net;
    r->connected = alive->connected;
    for (int n = 0; n < net->n_nodes; n++)
        r->dead_nodes += !alive->tensor[net->nodes[n].tensor];
    for (int b = 0; b < net->n_blocks; b++)
        r->dropped_blocks += !net->blocks[b].zero && !alive->block[b];
}

static enum snas_status make_report(const struct snas_network_options *o, struct report *r,
                                    struct snas_err *err)
{
    struct snas_space space;
    struct snas_genotype genotype;
    enum snas_status status = snas_space_read(args.space, &space, err);
    if (status == SNAS_OK && args.genotype)
        status = snas_genotype_read(args.genotype, &space, &genotype, err);
    if (status == SNAS_OK)
        status = snas_network_create(&space, o, args.genotype ? &genotype : NULL, &r->net, err);
    if (status != SNAS_OK)
        return status;
    struct snas_alive alive;
    status = snas_network_alive(r->net, &alive, err);
    if (status != SNAS_OK)
        return status;
    snas_network_totals(r->net, NULL, &r->described);
    snas_network_totals(r->net, &alive, &r->pruned);
    count_pruned(r, &alive);
    snas_alive_clear(&alive);
    return SNAS_OK;
}

/* 3349342 -> "3,349,342" */
static const char *grouped(int64_t value, char *text, size_t size)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRId64, value);
    size_t k = 0;
    for (int i = 0; i < n && k + 2 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text[k++] = ',';
        text[k++] = digits[i];
    }
    text[k] = '\0';
    return text;
}

static void print_row(const char *what, int64_t described, int64_t pruned, int supernet)
{
    char a[48], b[48];
    printf("  %-46s %15s", what, grouped(described, a, sizeof a));
    if (!supernet)
        printf(" %15s", grouped(pruned, b, sizeof b));
    putchar('\n');
}

static void print_text(const struct report *r)
{
    const struct snas_network_options *o = &r->net->options;
    const struct snas_totals *d = &r->described, *p = &r->pruned;
    int supernet = r->net->genotype == NULL;
    printf("%s in space %s: %d cells, C = %d, input %dx%dx%d, %d classes; batch norm %s, %s after "
           "pools\n\n",
           supernet ? "supernet" : r->net->genotype->name, r->net->space->name, o->layers,
           o->channels, o->input.c, o->input.h, o->input.w, o->classes,
           o->affine ? "affine" : "not affine", o->pool_bn ? "also" : "none");
    printf("  %-46s %15s%s\n", "", supernet ? "" : "as described",
           supernet ? "" : "          pruned");
    print_row("parameters", d->params, p->params, supernet);
    print_row("  of convolutions and the linear layer", d->conv_params, p->conv_params, supernet);
    print_row("multiply-adds (convolutions and linear)", d->madds, p->madds, supernet);
    print_row("multiply-adds (also BN, ReLU, pools, sums)", d->madds_all, p->madds_all, supernet);
    print_row("bytes of activations, float32", d->activation_bytes, p->activation_bytes, supernet);
    if (supernet)
        printf("\n  %d edges with %d candidate ops in all\n", r->net->n_edges, r->net->n_z);
    else if (!r->connected)
        puts("\n  disconnected: no path from the input reaches the classes");
    else
        printf("\n  pruning takes %d dead or unread nodes and %d blocks out\n", r->dead_nodes,
               r->dropped_blocks);
}

static void print_totals(const char *name, const struct snas_totals *t)
{
    printf("  \"%s\": {\"params\": %" PRId64 ", \"conv_params\": %" PRId64 ", \"madds\": %" PRId64
           ", \"madds_all\": %" PRId64 ", \"activation_bytes\": %" PRId64 "}",
           name, t->params, t->conv_params, t->madds, t->madds_all, t->activation_bytes);
}

/* Names of spaces and genotypes need no escapes: the readers see to that. */
static void print_json(const struct report *r)
{
    const struct snas_network_options *o = &r->net->options;
    printf("{\n  \"space\": \"%s\",\n", r->net->space->name);
    if (r->net->genotype)
        printf("  \"genotype\": \"%s\",\n", r->net->genotype->name);
    else
        puts("  \"genotype\": null,");
    printf(
        "  \"network\": {\"channels\": %d, \"layers\": %d, \"input\": [%d, %d, %d], "
        "\"classes\": %d, \"affine\": %s, \"pool_bn\": %s, \"edges\": %d, \"candidates\": %d},\n",
        o->channels, o->layers, o->input.c, o->input.h, o->input.w, o->classes,
        o->affine ? "true" : "false", o->pool_bn ? "true" : "false", r->net->n_edges, r->net->n_z);
    print_totals("described", &r->described);
    puts(",");
    if (r->net->genotype) {
        print_totals("pruned", &r->pruned);
        puts(",");
    } else {
        puts("  \"pruned\": null,");
    }
    printf("  \"connected\": %s,\n  \"dead_nodes\": %d,\n  \"dropped_blocks\": %d\n}\n",
           r->connected ? "true" : "false", r->dead_nodes, r->dropped_blocks);
}

int cost_network(void)
{
    if (!args.genotype == !args.supernet)
        return snas_cli_usage(&command, "one of --genotype and --supernet is needed");
    const char *input = args.input ? args.input : "3x32x32";
    struct snas_network_options o = {.channels = (int)args.channels,
                                     .layers = (int)args.layers,
                                     .classes = args.classes ? (int)args.classes : 10,
                                     .affine = !args.supernet && !args.no_affine,
                                     .pool_bn = args.supernet || args.pool_bn};
    struct snas_err err = {0};
    if (snas_cli_shape(input, &o.input, &err) != SNAS_OK)
        return snas_cli_usage(&command, "%s", err.text);
    struct report report = {0};
    int status = SNAS_EXIT_OK;
    if (make_report(&o, &report, &err) != SNAS_OK)
        status = snas_cli_fail(&command, &err);
    else if (args.json)
        print_json(&report);
    else
        print_text(&report);
    snas_network_destroy(report.net);
    return status;
}
