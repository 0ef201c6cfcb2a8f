#include "train/config.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "space/names.h"

#define AT(field) offsetof(struct snas_search_config, field)
#define BIG 2147483647.0
#define TABLE_MAX ((size_t)64 << 20)

static const struct snas_key keys[] = {
    {"name", SNAS_T_STRING, AT(name), "search", 0, 0, NULL,
     "name of the run: its directory is runs/<name> unless --out says otherwise", 0},
    {"seed", SNAS_T_INT, AT(seed), "1", 0, 9e15, NULL,
     "seed of everything random: same seed, same bytes in the run directory", 0},
    {"space", SNAS_T_STRING, AT(space), "darts", 0, 0, NULL,
     "search space: a file, or a shipped name (configs/spaces/<name>.yaml)", 0},
    {"network.channels", SNAS_T_INT, AT(network.channels), "16", 1, 4096, NULL,
     "C: channels of the first cells' nodes (paper: 16)", 0},
    {"network.layers", SNAS_T_INT, AT(network.layers), "8", 1, 1000, NULL,
     "number of cells (paper: 8)", 0},
    {"network.bn_momentum", SNAS_T_REAL, AT(network.bn_momentum), "0.1", 0, 1, NULL,
     "share of each new batch in batch norm's running statistics", 0},
    {"network.bn_eps", SNAS_T_REAL, AT(network.bn_eps), "1e-5", 1e-12, 1, NULL,
     "added to batch norm's variance", 0},
    {"data.path", SNAS_T_STRING, AT(data.path), "/usr/share/datasets/fashion-mnist", 0, 0, NULL,
     "directory of the data set's files", 1},
    {"data.format", SNAS_T_ENUM, AT(data.format), "auto", 0, 0, "auto|idx|cifar10|cifar100",
     "how the files are read; auto: by the files that are there", 0},
    {"data.held_out", SNAS_T_INT, AT(data.held_out), "5000", 1, BIG, NULL,
     "training images kept out of training, for validation", 0},
    {"data.crop_padding", SNAS_T_INT, AT(data.crop_padding), "4", 0, 256, NULL,
     "random crop after padding by so many pixels; 0: no crop (paper: 4)", 0},
    {"data.flip", SNAS_T_BOOL, AT(data.flip), "true", 0, 0, NULL, "random horizontal flip", 0},
    {"data.cutout", SNAS_T_INT, AT(data.cutout), "0", 0, 4096, NULL,
     "side of the square cut out of each training image, pixels; 0: none", 0},
    {"search.method", SNAS_T_ENUM, AT(search.method), "snas", 0, 0, "snas|dsnas|enas|random|darts",
     "search method (docs/methods.md)", 0},
    {"search.epochs", SNAS_T_INT, AT(search.epochs), "150", 1, 1e6, NULL,
     "epochs; theta's rate is spread over them, and so is the temperature unless "
     "temperature.epochs says otherwise (paper: 150)",
     0},
    {"search.images_per_epoch", SNAS_T_INT, AT(search.images_per_epoch), "0", 0, BIG, NULL,
     "images of one epoch, rounded down to whole batches; 0: the whole training part", 0},
    {"search.batch", SNAS_T_INT, AT(search.batch), "64", 2, 65536, NULL,
     "images of one step (paper: 64)", 0},
    {"theta.learning_rate", SNAS_T_REAL, AT(theta.learning_rate), "0.025", 0, 100, NULL,
     "SGD's rate in the first epoch; cosine over the epochs (paper: 0.025)", 0},
    {"theta.learning_rate_end", SNAS_T_REAL, AT(theta.learning_rate_end), "0.001", 0, 100, NULL,
     "what the cosine ends at (paper: 0.001)", 0},
    {"theta.momentum", SNAS_T_REAL, AT(theta.momentum), "0.9", 0, 0.9999, NULL,
     "SGD's momentum (paper: 0.9)", 0},
    {"theta.weight_decay", SNAS_T_REAL, AT(theta.weight_decay), "3e-4", 0, 1, NULL,
     "L2 decay (paper: 3e-4)", 0},
    {"theta.clip", SNAS_T_REAL, AT(theta.clip), "5", 0, 1e9, NULL,
     "largest norm of theta's gradient; 0: no clip (paper: 5)", 0},
    {"theta.label_smoothing", SNAS_T_REAL, AT(theta.label_smoothing), "0", 0, 0.9, NULL,
     "share of the target spread over all classes", 0},
    {"theta.drop_path", SNAS_T_REAL, AT(theta.drop_path), "0", 0, 0.9, NULL,
     "probability that an image's whole op output is dropped (the authors' code: 0.3)", 0},
    {"alpha.optimiser", SNAS_T_ENUM, AT(alpha.optimiser), "adam", 0, 0, "adam|sgd",
     "optimiser of alpha (the authors' code has both)", 0},
    {"alpha.learning_rate", SNAS_T_REAL, AT(alpha.learning_rate), "3e-4", 0, 100, NULL,
     "rate of alpha; Adam moves a logit by about this a step, so short runs need more (paper: "
     "3e-4 for 117,000 steps; 0.01 to 0.1 for a thousand)",
     0},
    {"alpha.beta1", SNAS_T_REAL, AT(alpha.beta1), "0.5", 0, 0.9999, NULL,
     "Adam's first moment (paper: 0.5)", 0},
    {"alpha.beta2", SNAS_T_REAL, AT(alpha.beta2), "0.999", 0, 0.999999, NULL,
     "Adam's second moment (paper: 0.999)", 0},
    {"alpha.weight_decay", SNAS_T_REAL, AT(alpha.weight_decay), "1e-3", 0, 1, NULL,
     "L2 decay of alpha (paper: 1e-3)", 0},
    {"alpha.clip", SNAS_T_REAL, AT(alpha.clip), "10", 0, 1e9, NULL,
     "largest norm of alpha's gradient; 0: no clip (paper: 10)", 0},
    {"alpha.init_mean", SNAS_T_REAL, AT(alpha.init_mean), "1", -100, 100, NULL,
     "mean of alpha at the start (paper: 1)", 0},
    {"alpha.init_sd", SNAS_T_REAL, AT(alpha.init_sd), "0.01", 0, 100, NULL,
     "standard deviation of alpha at the start (paper: 0.01)", 0},
    {"alpha.warmup_epochs", SNAS_T_INT, AT(alpha.warmup_epochs), "0", 0, 1e6, NULL,
     "epochs in which theta alone is trained, at the starting temperature, before alpha moves "
     "(methods whose alpha follows a gradient)",
     0},
    {"entropy.start", SNAS_T_REAL, AT(entropy.start), "0", -1e6, 1e6, NULL,
     "weight of the entropy in alpha's loss in the first epoch after the warm-up, nats at uniform "
     "alpha: above 0 makes the search decide, below 0 keeps it open (docs/guards.md); 0: none",
     0},
    {"entropy.end", SNAS_T_REAL, AT(entropy.end), "0", -1e6, 1e6, NULL,
     "that in the last epoch; linear between", 0},
    {"temperature.start", SNAS_T_REAL, AT(temperature.start), "1", 0.001, 100, NULL,
     "temperature before the first epoch (paper: 1)", 0},
    {"temperature.end", SNAS_T_REAL, AT(temperature.end), "0.03", 0.001, 100, NULL,
     "temperature that the fall ends at; linear between (paper: 0.03)", 0},
    {"temperature.epochs", SNAS_T_INT, AT(temperature.epochs), "0", 0, 1e6, NULL,
     "epochs of the fall, after alpha's warm-up; the others, nearly one-hot and so several times "
     "faster, train what was "
     "chosen; 0: all (paper: all)",
     0},
    {"sample.per_cell", SNAS_T_BOOL, AT(sample.per_cell), "false", 0, 0, NULL,
     "one architecture sample for every cell instead of one for all cells of a kind", 0},
    {"sample.live_threshold", SNAS_T_REAL, AT(sample.live_threshold), "1e-3", 0, 0.1, NULL,
     "ops with a smaller z are left out of the step, which gets faster as the temperature falls "
     "and keeps its gradient (docs/live-ops.md); 0: none",
     0},
    {"penalty.strength", SNAS_T_REAL, AT(penalty.strength), "0", 0, 1e6, NULL,
     "resource penalty, relative: nats of the loss at the uniform start (linear, log); 0: none", 0},
    {"penalty.preset", SNAS_T_ENUM, AT(penalty.preset), "none", 0, 0,
     "none|mild|moderate|aggressive",
     "penalty.strength by what it does (docs/penalty.md): mild, edges just begin to vanish; "
     "moderate, parameters and depth fall at about the same accuracy; aggressive, nodes vanish",
     2},
    {"penalty.form", SNAS_T_ENUM, AT(penalty.form), "linear", 0, 0, "linear|log|difference|product",
     "what is made of the cost (docs/penalty.md); difference and product are ProxylessNAS's", 0},
    {"penalty.estimator", SNAS_T_ENUM, AT(penalty.estimator), "reparametrized", 0, 0,
     "reparametrized|score|analytic|policy",
     "its gradient: through the batch's sample, by its density's score, of the expectation "
     "itself, or by policy gradient of one-hot samples",
     0},
    {"penalty.reference", SNAS_T_REAL, AT(penalty.reference), "1", 1e-6, 1e6, NULL,
     "reference cost of the forms difference and product, as a share of the cost at uniform alpha",
     0},
    {"penalty.warmup_epochs", SNAS_T_INT, AT(penalty.warmup_epochs), "0", 0, 1e6, NULL,
     "epochs before the penalty begins", 0},
    {"penalty.ramp_epochs", SNAS_T_INT, AT(penalty.ramp_epochs), "0", 0, 1e6, NULL,
     "epochs after the warm-up in which its strength grows linearly", 0},
    {"penalty.params", SNAS_T_REAL, AT(penalty.params), "1", 0, 1e6, NULL,
     "share of the parameters in the penalty", 0},
    {"penalty.madds", SNAS_T_REAL, AT(penalty.madds), "1", 0, 1e6, NULL,
     "share of the multiply-adds in the penalty", 0},
    {"penalty.mac", SNAS_T_REAL, AT(penalty.mac), "1", 0, 1e6, NULL,
     "share of the memory access in the penalty", 0},
    {"penalty.latency", SNAS_T_REAL, AT(penalty.latency), "0", 0, 1e6, NULL,
     "share of the latency in the penalty: needs costs.table", 0},
    {"preset.mild", SNAS_T_REAL, AT(preset.mild), "0", 0, 1e6, NULL,
     "strength of penalty.preset mild; 0: not measured, the preset is refused", 2},
    {"preset.moderate", SNAS_T_REAL, AT(preset.moderate), "0", 0, 1e6, NULL,
     "strength of penalty.preset moderate; 0: not measured, the preset is refused", 2},
    {"preset.aggressive", SNAS_T_REAL, AT(preset.aggressive), "0", 0, 1e6, NULL,
     "strength of penalty.preset aggressive; 0: not measured, the preset is refused", 2},
    {"measured.strength", SNAS_T_REAL, AT(measured.strength), "0", 0, 1e6, NULL,
     "measured latency of whole sampled networks as a penalty (docs/penalty.md), relative: nats of "
     "the loss at the reference; begins and grows with penalty.warmup_epochs and ramp_epochs; "
     "0: none",
     0},
    {"measured.share", SNAS_T_REAL, AT(measured.share), "0.03", 1e-4, 1, NULL,
     "largest share of the time that goes into measuring", 0},
    {"measured.reference_ms", SNAS_T_REAL, AT(measured.reference_ms), "0", 0, 1e9, NULL,
     "latency that counts as 1; 0: the mean of the first 8 networks measured", 0},
    {"measured.baseline_decay", SNAS_T_REAL, AT(measured.baseline_decay), "0.9", 0, 0.9999, NULL,
     "of the moving average of measurements that is their baseline", 0},
    {"measured.runtime", SNAS_T_ENUM, AT(measured.runtime), "auto", 0, 0, "auto|ort|engine",
     "what runs them: ONNX Runtime, or the search's own engine; auto: the first where it is there",
     0},
    {"measured.runs", SNAS_T_INT, AT(measured.runs), "20", 1, 100000, NULL,
     "runs of one image that a measurement is the median of, behind 5 that do not count", 0},
    {"measured.threads", SNAS_T_INT, AT(measured.threads), "1", 1, 256, NULL,
     "threads of the runtime", 0},
    {"measured.command", SNAS_T_STRING, AT(measured.command), "", 0, 0, NULL,
     "instead: a command that gets a model (ONNX) and its genotype as two files behind its words "
     "and prints the model's latency in milliseconds (docs/penalty.md)",
     0},
    {"measured.timeout", SNAS_T_REAL, AT(measured.timeout), "60", 0.01, 1e6, NULL,
     "seconds after which the command counts as hanging", 0},
    {"measured.replay", SNAS_T_STRING, AT(measured.replay), "", 0, 0, NULL,
     "log of another run (measured.csv): nothing is measured, its measurements are taken; empty: "
     "none",
     1},
    {"budget.params", SNAS_T_INT, AT(budget.params), "0", 0, 9e15, NULL,
     "most trained values of the pruned child (300k, 2M; docs/penalty.md); 0: any", 0},
    {"budget.madds", SNAS_T_INT, AT(budget.madds), "0", 0, 9e15, NULL,
     "most multiply-adds of the pruned child's convolutions and linear layers, one image (40M); "
     "0: any",
     0},
    {"budget.latency_ms", SNAS_T_REAL, AT(budget.latency_ms), "0", 0, 1e9, NULL,
     "largest latency of the pruned child, one image, milliseconds, as costs.table and its fit "
     "have "
     "it; 0: any",
     0},
    {"budget.target", SNAS_T_REAL, AT(budget.target), "0.95", 0.1, 1, NULL,
     "share of the budget that the search aims at", 0},
    {"budget.rate", SNAS_T_REAL, AT(budget.rate), "20", 0, 1e6, NULL,
     "growth of a budget's multiplier over a run at a cost of twice the target, nats", 0},
    {"budget.damping", SNAS_T_REAL, AT(budget.damping), "2", 0, 1e6, NULL,
     "what is added to the multiplier at a cost of twice the target, nats: it damps", 0},
    {"enas.units", SNAS_T_INT, AT(enas.units), "100", 1, 4096, NULL,
     "units of the controller's LSTM (paper: 100)", 0},
    {"enas.learning_rate", SNAS_T_REAL, AT(enas.learning_rate), "0.0035", 0, 100, NULL,
     "Adam's rate of the controller (paper: 0.0035)", 0},
    {"enas.updates", SNAS_T_INT, AT(enas.updates), "30", 0, 1e6, NULL,
     "steps of the controller after each epoch (the authors' code: 30)", 0},
    {"enas.samples", SNAS_T_INT, AT(enas.samples), "10", 1, 1e6, NULL,
     "children of each step, every one rewarded with its accuracy on one held-out batch (the "
     "authors' code: 10)",
     0},
    {"enas.tanh_constant", SNAS_T_REAL, AT(enas.tanh_constant), "1.10", 0, 1e6, NULL,
     "bound of the logits of slots; 0: none (the authors' code: 1.10)", 0},
    {"enas.op_tanh_reduce", SNAS_T_REAL, AT(enas.op_tanh_reduce), "2.5", 0.001, 1e6, NULL,
     "the bound of the logits of ops is smaller by this factor (the authors' code: 2.5)", 0},
    {"enas.temperature", SNAS_T_REAL, AT(enas.temperature), "0", 0, 1e6, NULL,
     "divides logits before the bound; 0: off (the authors' code: off)", 0},
    {"enas.entropy_weight", SNAS_T_REAL, AT(enas.entropy_weight), "1e-4", 0, 1e6, NULL,
     "weight of the controller's entropy in the reward (paper: 1e-4)", 0},
    {"enas.baseline_decay", SNAS_T_REAL, AT(enas.baseline_decay), "0.99", 0, 1, NULL,
     "of the moving average of rewards that is their baseline (the authors' code: 0.99)", 0},
    {"enas.marginal_samples", SNAS_T_INT, AT(enas.marginal_samples), "500", 1, 1e7, NULL,
     "children that the reported frequencies of ops are counted in (docs/enas.md)", 0},
    {"darts.order", SNAS_T_ENUM, AT(darts.order), "first", 0, 0, "first|second|single",
     "gradient of alpha: of a held-out batch; of one after a virtual step of theta (unrolled: 5 "
     "passes a step, where first has 2); or of theta's own training batch (docs/methods.md)",
     0},
    {"darts.epsilon", SNAS_T_REAL, AT(darts.epsilon), "0.01", 1e-9, 1e3, NULL,
     "of order second: length of the step in theta that the second derivative's difference is "
     "taken over (paper: 0.01)",
     0},
    {"darts.init_mean", SNAS_T_REAL, AT(darts.init_mean), "0", -100, 100, NULL,
     "mean of alpha at darts' start, in place of alpha.init_mean (the authors' code: 0)", 0},
    {"darts.init_sd", SNAS_T_REAL, AT(darts.init_sd), "1e-3", 0, 100, NULL,
     "standard deviation of alpha at darts' start, in place of alpha.init_sd (the authors' code: "
     "1e-3)",
     0},
    {"derive.rule", SNAS_T_ENUM, AT(derive.rule), "auto", 0, 0, "auto|argmax|top2|best",
     "how the child is derived (docs/methods.md): argmax of every edge, none included; top2, "
     "DARTS's two edges a node without none; best of sampled networks by validation; auto: the "
     "method's own",
     0},
    {"derive.samples", SNAS_T_INT, AT(derive.samples), "100", 1, 1e6, NULL,
     "networks that derive.rule best draws at the end", 0},
    {"derive.images", SNAS_T_INT, AT(derive.images), "1000", 0, BIG, NULL,
     "held-out images that each of them is scored on, with batch statistics; 0: all", 0},
    {"derive.rescored", SNAS_T_INT, AT(derive.rescored), "10", 1, 1000, NULL,
     "the best so many of them are scored again, on all held-out images", 0},
    {"costs.table", SNAS_T_STRING, AT(costs.table), "", 0, 0, NULL,
     "file of measured latencies (docs/costs.md); empty: none", 1},
    {"costs.hash", SNAS_T_STRING, AT(costs.hash), "", 0, 0, NULL,
     "which table that was: filled in from the file; a table with another one is refused", 0},
    {"evaluation.epoch_images", SNAS_T_INT, AT(evaluation.epoch_images), "0", 0, BIG, NULL,
     "held-out images of each epoch's evaluation; 0: all (the final one always takes all)", 0},
    {"evaluation.hard_samples", SNAS_T_INT, AT(evaluation.hard_samples), "10", 0, 10000, NULL,
     "one-hot samples that the final report takes mean and deviation of", 0},
    {"evaluation.estimate_images", SNAS_T_INT, AT(evaluation.estimate_images), "4096", 2, BIG, NULL,
     "training images for re-estimating batch norm's statistics", 0},
    {"evaluation.bias_samples", SNAS_T_INT, AT(evaluation.bias_samples), "0", 0, 100000, NULL,
     "one-hot networks whose mean loss is set beside the mixture's in bias.csv (docs/bias.md); "
     "0: none",
     0},
    {"evaluation.bias_every", SNAS_T_INT, AT(evaluation.bias_every), "1", 1, 1e6, NULL,
     "epochs between two such measurements; the last epoch always has one", 0},
    {"evaluation.bias_images", SNAS_T_INT, AT(evaluation.bias_images), "1024", 1, BIG, NULL,
     "held-out images of each, rounded down to whole batches", 0},
    {"choose.every", SNAS_T_INT, AT(choose.every), "0", 0, 1e6, NULL,
     "every so many epochs, and after the last, the argmax child is scored by itself with batch "
     "norm re-estimated, and the best one is the child (docs/guards.md); 0: the last epoch's",
     0},
    {"guard.collapse_share", SNAS_T_REAL, AT(guard.collapse_share), "0.8", 0.01, 1, NULL,
     "share of skips and pools among the argmax edges of the cells with stride 1 that counts as "
     "collapse",
     0},
    {"guard.collapse_epochs", SNAS_T_INT, AT(guard.collapse_epochs), "3", 1, 1e6, NULL,
     "epochs in a row that make it one", 0},
    {"guard.stop", SNAS_T_BOOL, AT(guard.stop), "false", 0, 0, NULL,
     "end the search when it has collapsed, instead of only warning", 0},
    {"threads", SNAS_T_INT, AT(threads), "0", 0, 4096, NULL,
     "threads; 0: all cores (changes no result)", 1},
    {"memory", SNAS_T_ENUM, AT(memory), "auto", 0, 0, "auto|normal|lean",
     "lean: cells share one buffer and run their forward twice, for less than half the memory and "
     "about a third more time; auto: as many cells so as memory_limit asks for (changes no result)",
     1},
    {"memory_limit", SNAS_T_BYTES, AT(memory_limit), "0", 0, 9e15, NULL,
     "largest memory that the search may plan to take (512MiB, 1500MB); 0: 80% of what is "
     "available "
     "when it starts",
     1},
    {"checkpoint.minutes", SNAS_T_REAL, AT(checkpoint_minutes), "3", 0.001, 1e6, NULL,
     "minutes between checkpoints within an epoch; every epoch ends with one", 1},
};

const struct snas_schema snas_search_schema = {"snas-search configuration", keys,
                                               sizeof(keys) / sizeof(*keys)};

/* What a method cannot do. */
static enum snas_status check_method(const struct snas_search_config *c, const char *name,
                                     struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    const int budget = c->budget.params > 0 || c->budget.madds > 0 || c->budget.latency_ms > 0;
    const int top2 = c->derive.rule == SNAS_DERIVE_TOP2 ||
                     (c->derive.rule == SNAS_DERIVE_AUTO && c->search.method == SNAS_SEARCH_DARTS);
    if (c->search.method == SNAS_SEARCH_RANDOM && c->penalty.strength > 0)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: penalty.strength is %g, but search.method random has no gradient "
                           "that it could add to; budget.* limits what it draws",
                           name, c->penalty.strength);
    if (c->measured.strength > 0 &&
        (c->search.method == SNAS_SEARCH_RANDOM || c->search.method == SNAS_SEARCH_ENAS))
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: measured.strength is %g, but search.method %s has no gradient of "
                           "alpha that it could add to",
                           name, c->measured.strength,
                           c->search.method == SNAS_SEARCH_RANDOM ? "random" : "enas");
    if (c->search.method == SNAS_SEARCH_ENAS && (c->penalty.strength > 0 || budget))
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: search.method enas is rewarded for accuracy alone: "
                           "penalty.strength and budgets must be 0",
                           name);
    if (c->search.method == SNAS_SEARCH_DARTS && c->penalty.strength > 0 &&
        (c->penalty.estimator == SNAS_PENALTY_SCORE || c->penalty.estimator == SNAS_PENALTY_POLICY))
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: search.method darts draws no samples that penalty.estimator could "
                           "look at: analytic is the mixture's own",
                           name);
    if (top2 && budget)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: derive.rule top2%s keeps two edges of every node, whatever they "
                           "cost: a budget needs derive.rule argmax or best",
                           name, c->derive.rule == SNAS_DERIVE_AUTO ? " (darts' own)" : "");
    return s;
}

static enum snas_status check(const struct snas_search_config *c, const char *name,
                              struct snas_err *err)
{
    enum snas_status s = SNAS_OK;
    if (c->temperature.end > c->temperature.start)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: temperature.end (%g) is above temperature.start (%g)", name,
                           c->temperature.end, c->temperature.start);
    if (c->temperature.epochs > c->search.epochs)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: temperature.epochs (%lld) is above search.epochs (%lld)", name,
                           (long long)c->temperature.epochs, (long long)c->search.epochs);
    else if (c->alpha.warmup_epochs + c->temperature.epochs > c->search.epochs)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: alpha.warmup_epochs (%lld) and temperature.epochs (%lld) are more "
                           "than search.epochs (%lld)",
                           name, (long long)c->alpha.warmup_epochs,
                           (long long)c->temperature.epochs, (long long)c->search.epochs);
    if (c->alpha.warmup_epochs == c->search.epochs)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: alpha.warmup_epochs (%lld) leaves no epoch in which alpha moves",
                           name, (long long)c->alpha.warmup_epochs);
    if (c->search.images_per_epoch && c->search.images_per_epoch < c->search.batch)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: search.images_per_epoch (%lld) is less than one batch (%lld)", name,
                           (long long)c->search.images_per_epoch, (long long)c->search.batch);
    if (c->penalty.strength > 0 &&
        c->penalty.params + c->penalty.madds + c->penalty.mac + c->penalty.latency <= 0)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: penalty.strength is %g, but penalty.params, madds, mac and latency "
                           "are all 0",
                           name, c->penalty.strength);
    if (c->evaluation.bias_samples == 1)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: evaluation.bias_samples is 1: a deviation needs at least 2", name);
    if ((c->penalty.latency > 0 || c->budget.latency_ms > 0) && !*c->costs.table && !*c->costs.hash)
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: %s needs costs.table: a file of measured latencies (snas-cost "
                           "measure makes one)",
                           name, c->penalty.latency > 0 ? "penalty.latency" : "budget.latency_ms");
    if (!snas_is_name(c->name) || !strcmp(c->name, "latest"))
        s = snas_fail_more(err, SNAS_E_CONFIG,
                           "%s: name '%s' cannot be a directory under runs/: letters, digits and "
                           "_.+- (not at the front), at most %d, not 'latest'",
                           name, c->name, SNAS_NAME_MAX - 1);
    enum snas_status of_method = check_method(c, name, err);
    return of_method == SNAS_OK ? s : of_method;
}

const char *const snas_search_presets[SNAS_PRESETS] = {"none", "mild", "moderate", "aggressive"};

static enum snas_status resolve_preset(struct snas_search_config *c, const char *name,
                                       struct snas_err *err)
{
    const double strengths[SNAS_PRESETS] = {0, c->preset.mild, c->preset.moderate,
                                            c->preset.aggressive};
    const double strength = strengths[c->penalty.preset];
    const char *preset = snas_search_presets[c->penalty.preset];
    if (c->penalty.preset == SNAS_PRESET_NONE)
        return SNAS_OK;
    if (strength == 0)
        return snas_fail(err, SNAS_E_CONFIG,
                         "%s: there is no preset.%s: what strength is %s has not been measured for "
                         "this configuration; find it with snas-sweep (docs/penalty.md), or give a "
                         "number as penalty.strength",
                         name, preset, preset);
    if (c->penalty.strength > 0 && c->penalty.strength != strength)
        return snas_fail(err, SNAS_E_CONFIG,
                         "%s: penalty.preset %s is a strength of %g, but penalty.strength is %g: "
                         "give one of them",
                         name, preset, strength, c->penalty.strength);
    c->penalty.strength = strength;
    return SNAS_OK;
}

/* The table is known by what is in it, not by where it lies. */
static enum snas_status identify_table(struct snas_search_config *c, const char *name,
                                       struct snas_err *err)
{
    char hash[17];
    if (!*c->costs.table)
        return SNAS_OK;
    enum snas_status s = snas_hash_file(c->costs.table, TABLE_MAX, hash, err);
    if (s != SNAS_OK)
        return snas_fail_context(err, "%s: costs.table", name);
    if (*c->costs.hash && strcmp(c->costs.hash, hash) != 0)
        return snas_fail(err, SNAS_E_CONFIG,
                         "%s: costs.table '%s' is not the table of costs.hash %s: its own is %s",
                         name, c->costs.table, c->costs.hash, hash);
    memcpy(c->costs.hash, hash, sizeof(hash));
    return SNAS_OK;
}

enum snas_status snas_search_config_read(const char *config_name, const char *const *assignments,
                                         int n_assignments, struct snas_search_config *out,
                                         struct snas_err *err)
{
    char *path;
    snas_config_defaults(&snas_search_schema, out);
    enum snas_status s = snas_find_shipped(config_name, &path, err);
    if (s != SNAS_OK)
        return s;
    s = snas_config_read(&snas_search_schema, path, out, err);
    snas_free(path);
    if (s != SNAS_OK)
        return s;
    for (int i = 0; i < n_assignments; i++) {
        struct snas_err one = {0};
        enum snas_status t = snas_config_set(&snas_search_schema, assignments[i], out, &one);
        if (t != SNAS_OK)
            s = snas_fail_more(err, t, "%s", one.text);
    }
    if (s == SNAS_OK)
        s = resolve_preset(out, config_name, err);
    if (s == SNAS_OK)
        s = check(out, config_name, err);
    return s == SNAS_OK ? identify_table(out, config_name, err) : s;
}

double snas_search_config_rate(const struct snas_search_config *c, int epoch)
{
    const double pi = 3.14159265358979323846;
    return c->theta.learning_rate_end + 0.5 *
                                            (c->theta.learning_rate - c->theta.learning_rate_end) *
                                            (1 + cos(pi * epoch / (double)c->search.epochs));
}
