/* snas-cost: what networks and the candidate ops of a search cost. */
#include <signal.h>
#include <string.h>

#include "base/threads.h"
#include "snas-cost/cost.h"

struct cost_args args = {.space = "darts",
                         .layers = 20,
                         .channels = 36,
                         .threads = 1,
                         .rounds = 15,
                         .runs = 20,
                         .children = 24,
                         .seed = 1};

static const struct snas_option options[] = {
    {"genotype", 'g', "NAME|FILE", SNAS_OPT_STRING, &args.genotype, 0, 0,
     "network: the network of this genotype, a shipped one (DARTS_V2) or a file; check: one more "
     "network to measure"},
    {"supernet", 0, NULL, SNAS_OPT_FLAG, &args.supernet, 0, 0,
     "network: the one that is searched, with every op on every edge"},
    {"space", 0, "NAME|FILE", SNAS_OPT_STRING, &args.space, 0, 0,
     "network: the search space (default darts)"},
    {"layers", 'l', "N", SNAS_OPT_INT, &args.layers, 1, 1000, "network: cells (default 20)"},
    {"channels", 'c', "C", SNAS_OPT_INT, &args.channels, 1, 65536,
     "network: channels of the first cells (default 36)"},
    {"input", 'i', "CxHxW", SNAS_OPT_STRING, &args.input, 0, 0,
     "channels, height and width of an image (default: network 3x32x32, else the data set's)"},
    {"classes", 'k', "N", SNAS_OPT_INT, &args.classes, 1, 1000000,
     "classes (default: the data set's, or 10)"},
    {"pool-bn", 0, NULL, SNAS_OPT_FLAG, &args.pool_bn, 0, 0,
     "network: a batch norm after every pool, as in a search (published genotypes have none)"},
    {"no-affine", 0, NULL, SNAS_OPT_FLAG, &args.no_affine, 0, 0,
     "network: no scale and shift in the cells' batch norms, as in a search"},
    {"set", 0, "KEY=VALUE", SNAS_OPT_LIST, &args.set, 0, 0,
     "a configuration key, over what CONFIG says; may be given many times"},
    {"table", 0, "FILE", SNAS_OPT_STRING, &args.table, 0, 0,
     "check, show: a table of measured latencies"},
    {"output", 'o', "FILE", SNAS_OPT_STRING, &args.output, 0, 0,
     "measure, import: the table to write; check: the table with the line it found; show: a file "
     "instead of the standard output"},
    {"runtime", 0, "NAME", SNAS_OPT_STRING, &args.runtime, 0, 0,
     "measure, check: ort or engine (default ort where it is here); import: what ran the models"},
    {"device", 0, "NAME", SNAS_OPT_STRING, &args.source, 0, 0, "import: where the models ran"},
    {"threads", 0, "N", SNAS_OPT_INT, &args.threads, 1, 256,
     "measure, check, import: threads of the runtime (default 1)"},
    {"rounds", 0, "N", SNAS_OPT_INT, &args.rounds, 1, 10000,
     "measure, check: turns that each network gets (default 15)"},
    {"runs", 0, "N", SNAS_OPT_INT, &args.runs, 1, 10000,
     "measure, check: runs in a turn, behind 5 that are not kept (default 20)"},
    {"children", 0, "N", SNAS_OPT_INT, &args.children, 0, 10000,
     "check: random networks to measure (default 24)"},
    {"seed", 0, "N", SNAS_OPT_INT, &args.seed, 0, 9e15, "check: which random ones (default 1)"},
    {"csv", 0, NULL, SNAS_OPT_FLAG, &args.csv, 0, 0, "show: a line per entry, for a spreadsheet"},
    {"yaml", 0, NULL, SNAS_OPT_FLAG, &args.yaml, 0, 0, "show: the table as a file (docs/costs.md)"},
    {"json", 0, NULL, SNAS_OPT_FLAG, &args.json, 0, 0, "network, show, check: JSON"},
};

const struct snas_command command = {
    .name = "snas-cost",
    .summary = "what networks and the candidate ops of a search cost",
    .operands = "network | show CONFIG | measure CONFIG | check CONFIG | models CONFIG DIR | "
                "import CONFIG CSV",
    .min_operands = 1,
    .max_operands = 3,
    .details =
        "network  exact parameters and multiply-adds of a genotype's network or a supernet, as\n"
        "         described (what papers print: every dead node and unread preprocessing\n"
        "         included) and after exact pruning (what an export keeps of it).\n"
        "         Multiply-adds are counted in both conventions in use: convolutions and the\n"
        "         linear layer only, or also batch norm (2 a value), ReLU (1), pools (k*k) and\n"
        "         sums (1).\n"
        "show     the costs of every candidate op of a search configuration\n"
        "measure  their latency on this machine, into a table file (-o); after a kill the same\n"
        "         command goes on\n"
        "check    whole networks against the sum of a table's rows\n"
        "models   an ONNX model per row and a recipe, to measure them elsewhere\n"
        "import   the results of such a measurement into a table file (-o)\n"
        "\n"
        "Examples:\n"
        "  snas-cost network --genotype DARTS_V2\n"
        "  snas-cost network --genotype DARTS_V2 --space darts-imagenet --channels 48 \\\n"
        "      --layers 14 --input 3x224x224 --classes 1000\n"
        "  snas-cost show configs/search/cifar10.yaml --input 3x32x32\n"
        "  snas-cost measure configs/search/cifar10.yaml -o costs.yaml\n"
        "  snas-cost check configs/search/cifar10.yaml --table costs.yaml -o costs.yaml\n"
        "  snas-cost models configs/search/cifar10.yaml models/\n"
        "  snas-cost import configs/search/cifar10.yaml results.csv -o phone.yaml",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
};

enum operation { NETWORK, SHOW, MEASURE, CHECK, MODELS, IMPORT, OPERATIONS };
static const struct {
    const char *name;
    int operands; /* behind the name */
} operations[OPERATIONS] = {{"network", 0}, {"show", 1},   {"measure", 1},
                            {"check", 1},   {"models", 2}, {"import", 2}};

static int check_usage(enum operation op)
{
    if ((op == MEASURE || op == IMPORT) && !args.output)
        return snas_cli_usage(&command, "%s needs -o FILE, the table to write",
                              operations[op].name);
    if (op == CHECK && !args.table)
        return snas_cli_usage(&command, "check needs --table FILE");
    if (args.csv + args.yaml + args.json > 1)
        return snas_cli_usage(&command, "--csv, --yaml, --json: one of them");
    return -1;
}

static enum snas_status carry_out(enum operation op, char **operand, struct snas_err *err)
{
    struct subject subject;
    enum snas_status s = subject_open(operand[0], &subject, err);
    if (s == SNAS_OK && op == SHOW)
        s = cost_show(&subject, err);
    if (s == SNAS_OK && op == MEASURE)
        s = cost_measure(&subject, err);
    if (s == SNAS_OK && op == CHECK)
        s = cost_check(&subject, err);
    if (s == SNAS_OK && op == MODELS)
        s = cost_models(&subject, operand[1], err);
    if (s == SNAS_OK && op == IMPORT)
        s = cost_import(&subject, operand[1], err);
    subject_clear(&subject);
    return s;
}

int main(int argc, char **argv)
{
    int first, status = snas_cli_parse(&command, argc, argv, &first), op = 0;
    if (status >= 0)
        return status;
    while (op < OPERATIONS && strcmp(argv[first], operations[op].name) != 0)
        op++;
    if (op == OPERATIONS)
        return snas_cli_usage(&command,
                              "unknown operand '%s': one of network, show, measure, "
                              "check, models, import is expected",
                              argv[first]);
    if (argc - first - 1 != operations[op].operands)
        return snas_cli_usage(&command, "%s takes %d operand%s, not %d", operations[op].name,
                              operations[op].operands, operations[op].operands == 1 ? "" : "s",
                              argc - first - 1);
    status = check_usage(op);
    if (status >= 0)
        return status;
    if (op == NETWORK)
        return cost_network();
    struct snas_err err = {0};
    snas_threads_init();
    if (op == MEASURE || op == CHECK)
        snas_cli_catch_signals();
    if (carry_out(op, argv + first + 1, &err) == SNAS_OK)
        return SNAS_EXIT_OK;
    snas_cli_fail(&command, &err);
    return err.code == SNAS_E_INTERRUPTED ? (snas_cli_signal == SIGINT ? 130 : 143)
                                          : SNAS_EXIT_FAILED;
}
