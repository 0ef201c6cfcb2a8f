#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "space/cost_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Against a small network of the tiny space. What was taken must survive being written and read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snas_space space;
    static struct snas_network *net;
    struct snas_cost_table table, again;
    struct snas_err err = {0};
    char *text;
    const struct snas_network_options o = {
        .channels = 2, .layers = 1, .input = {1, 8, 8}, .classes = 10, .pool_bn = 1};
    if (!net && (snas_space_read("tiny", &space, &err) ||
                 snas_network_create(&space, &o, NULL, &net, &err)))
        SNAS_BUG("%s", err.text);
    if (snas_cost_table_parse("fuzz", (const char *)data, size, net, &table, &err))
        return 0;
    if (snas_cost_table_format(net, &table, &text, &err))
        SNAS_BUG("a read table cannot be written: %s", err.text);
    if (snas_cost_table_parse("dump", text, strlen(text), net, &again, &err))
        SNAS_BUG("a written table cannot be read: %s", err.text);
    snas_free(text);
    snas_cost_table_clear(&again);
    snas_cost_table_clear(&table);
    return 0;
}
