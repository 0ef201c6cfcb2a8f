/* What the subcommands share: the network they are about, and where output goes. */
#include <string.h>

#include "base/io.h"
#include "cli/shape.h"
#include "data/dataset.h"
#include "snas-cost/cost.h"
#include "train/config.h"

/* Image shape and classes: as asked, else the data set's. */
static enum snas_status find_shape(const struct snas_search_config *config,
                                   struct snas_network_options *o, struct snas_err *err)
{
    struct snas_dataset ds;
    o->classes = args.classes ? (int)args.classes : 10;
    if (args.input)
        return snas_cli_shape(args.input, &o->input, err);
    enum snas_status s = snas_dataset_open(
        config->data.path, (enum snas_data_format)config->data.format, SNAS_SPLIT_TRAIN, &ds, err);
    if (s != SNAS_OK)
        return snas_fail_context(err, "--input CxHxW spares the data set");
    o->input = (struct snas_shape){ds.channels, ds.height, ds.width};
    if (!args.classes)
        o->classes = ds.classes;
    snas_dataset_clear(&ds);
    return SNAS_OK;
}

enum snas_status subject_open(const char *config, struct subject *out, struct snas_err *err)
{
    struct snas_search_config c;
    memset(out, 0, sizeof *out);
    out->config = config;
    enum snas_status s = snas_search_config_read(config, args.set.items, args.set.n, &c, err);
    struct snas_network_options o = {.pool_bn = 1};
    if (s == SNAS_OK)
        s = find_shape(&c, &o, err);
    if (s == SNAS_OK)
        s = snas_space_read(c.space, &out->space, err);
    if (s != SNAS_OK)
        return s;
    o.channels = (int)c.network.channels;
    o.layers = (int)c.network.layers;
    return snas_network_create(&out->space, &o, NULL, &out->net, err);
}

void subject_clear(struct subject *s)
{
    snas_network_destroy(s->net);
    s->net = NULL;
}

enum snas_status cost_write(const char *text, size_t size, struct snas_err *err)
{
    if (args.output)
        return snas_write_file(args.output, text, size, err);
    if (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0)
        return snas_fail(err, SNAS_E_IO, "cannot write the output");
    return SNAS_OK;
}
