#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "space/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must survive being written and read again, and describe a network or say why
 * not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snas_space space, again;
    const struct snas_network_options options = {
        .channels = 2, .layers = 3, .input = {1, 12, 12}, .classes = 2};
    struct snas_network *network;
    struct snas_err err = {0};
    char *text;
    if (snas_space_parse("fuzz", (const char *)data, size, &space, &err))
        return 0;
    if (snas_space_dump(&space, &text, &err))
        SNAS_BUG("a read space cannot be written: %s", err.text);
    if (snas_space_parse("dump", text, strlen(text), &again, &err))
        SNAS_BUG("a written space cannot be read: %s", err.text);
    snas_free(text);
    if (snas_network_create(&space, &options, NULL, &network, &err) == SNAS_OK)
        snas_network_destroy(network);
    return 0;
}
