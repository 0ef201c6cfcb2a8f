#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/config.h"
#include "base/mem.h"

/* What is accepted dumps to a text that reads back as the same; what is refused changes nothing. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    int64_t whole, bytes;
    double real;
    int truth, choice;
    char text[SNAS_STRING_MAX];
};

#define AT(field) offsetof(struct target, field)
static const struct snas_key keys[] = {
    {"text", SNAS_T_STRING, AT(text), "\"\"", 0, 0, NULL, "", 0},
    {"a.whole", SNAS_T_INT, AT(whole), "1", 0, 0, NULL, "", 0},
    {"a.b.real", SNAS_T_REAL, AT(real), "1", 0, 0, NULL, "", 0},
    {"a.b.choice", SNAS_T_ENUM, AT(choice), "adam", 0, 0, "adam|sgd", "", 0},
    {"bytes", SNAS_T_BYTES, AT(bytes), "0", 0, 1e18, NULL, "", 0},
    {"truth", SNAS_T_BOOL, AT(truth), "true", 0, 0, NULL, "", 0},
};
static const struct snas_schema schema = {"fuzz", keys, sizeof keys / sizeof *keys};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {0}, before = {0}, back = {0};
    struct snas_err err = {0};
    snas_config_defaults(&schema, &t);
    snas_config_defaults(&schema, &before);
    snas_config_defaults(&schema, &back);
    enum snas_status s =
        snas_config_parse(&schema, "fuzz.yaml", (const char *)data, size, &t, &err);
    if (s != SNAS_OK) {
        if (memcmp(&t, &before, sizeof t) != 0 || err.code != s || !err.text[0])
            SNAS_BUG("refused by '%s'", err.text);
        return 0;
    }
    char *text;
    if (snas_config_dump(&schema, &t, &text, &err) != SNAS_OK ||
        snas_config_parse(&schema, "dump", text, strlen(text), &back, &err) != SNAS_OK)
        SNAS_BUG("'%s' does not read back", err.text);
    /* Behind a string's end anything may stand. */
    if (strcmp(t.text, back.text) != 0 || memcmp(&t, &back, offsetof(struct target, text)) != 0)
        SNAS_BUG("reads back as another: %s", text);
    snas_free(text);
    return 0;
}
