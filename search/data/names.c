#include "data/reader.h"

#include <string.h>

#include "base/io.h"
#include "base/mem.h"

const char snas_names_fashion[] = "T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\n"
                                  "Sneaker\nBag\nAnkle boot\n";
const char snas_names_cifar10[] = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\n"
                                  "truck\n";
const char snas_names_cifar100[] =
    "apple\naquarium_fish\nbaby\nbear\nbeaver\nbed\nbee\nbeetle\nbicycle\nbottle\nbowl\nboy\n"
    "bridge\nbus\nbutterfly\ncamel\ncan\ncastle\ncaterpillar\ncattle\nchair\nchimpanzee\nclock\n"
    "cloud\ncockroach\ncouch\ncrab\ncrocodile\ncup\ndinosaur\ndolphin\nelephant\nflatfish\n"
    "forest\nfox\ngirl\nhamster\nhouse\nkangaroo\nkeyboard\nlamp\nlawn_mower\nleopard\nlion\n"
    "lizard\nlobster\nman\nmaple_tree\nmotorcycle\nmountain\nmouse\nmushroom\noak_tree\norange\n"
    "orchid\notter\npalm_tree\npear\npickup_truck\npine_tree\nplain\nplate\npoppy\nporcupine\n"
    "possum\nrabbit\nraccoon\nray\nroad\nrocket\nrose\nsea\nseal\nshark\nshrew\nskunk\n"
    "skyscraper\nsnail\nsnake\nspider\nsquirrel\nstreetcar\nsunflower\nsweet_pepper\ntable\n"
    "tank\ntelephone\ntelevision\ntiger\ntractor\ntrain\ntrout\ntulip\nturtle\nwardrobe\nwhale\n"
    "willow_tree\nwolf\nwoman\nworm\n";

/* Bytes of the UTF-8 character at p (left bytes follow), 0 if it is none, overlong, a surrogate or
 * a control character: names go into JSON and into ONNX metadata, which take nothing else. */
static size_t character_size(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (size == 0 || size > left || p[0] > 0xf4)
        return 0;
    if (size == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    uint32_t code = p[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
        (code >= 0x80 && code < 0xa0))
        return 0;
    return size;
}

static enum snas_status check_line(const char *path, int line, const char *text, size_t size,
                                   struct snas_err *err)
{
    for (size_t at = 0; at < size;) {
        size_t step = character_size((const unsigned char *)text + at, size - at);
        if (step == 0)
            return snas_fail(err, SNAS_E_FORMAT, "%s:%d:%zu: not a printable UTF-8 character", path,
                             line, at + 1);
        at += step;
    }
    return SNAS_OK;
}

void snas_names_free(char **names, int classes)
{
    for (int i = 0; names != NULL && i < classes; i++)
        snas_free(names[i]);
    snas_free(names);
}

static char *copy_line(const char *text, size_t size, struct snas_err *err)
{
    char *copy = snas_alloc(size + 1, 1, err);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

/* Fills out[0..classes-1]; *n counts all names there are, also those beyond `classes`. */
static enum snas_status read_lines(const char *path, const char *text, size_t size, int classes,
                                   char **out, int *n, struct snas_err *err)
{
    int line = 0;
    *n = 0;
    for (size_t at = 0; at < size; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        size_t shown = length > 0 && text[at + length - 1] == '\r' ? length - 1 : length;
        enum snas_status st = check_line(path, line + 1, text + at, shown, err);
        if (st != SNAS_OK)
            return st;
        if (shown > 0 && *n < classes && (out[*n] = copy_line(text + at, shown, err)) == NULL)
            return SNAS_E_NOMEM;
        *n += shown > 0; /* CIFAR's own files end in an empty line */
        at += length + 1;
    }
    return SNAS_OK;
}

enum snas_status snas_names_parse(const char *path, const char *text, size_t size, int classes,
                                  char ***names, struct snas_err *err)
{
    char **out = snas_alloc((size_t)classes, sizeof *out, err);
    if (out == NULL)
        return SNAS_E_NOMEM;
    int n;
    enum snas_status st = read_lines(path, text, size, classes, out, &n, err);
    if (st == SNAS_OK && n != classes)
        st = snas_fail(err, SNAS_E_FORMAT, "'%s': %d class names for %d classes", path, n, classes);
    if (st != SNAS_OK) {
        snas_names_free(out, classes);
        return st;
    }
    *names = out;
    return SNAS_OK;
}

enum snas_status snas_names_read(const char *path, int classes, char ***names, struct snas_err *err)
{
    char *text;
    size_t size;
    enum snas_status st = snas_read_file(path, (size_t)1 << 20, &text, &size, err);
    if (st != SNAS_OK)
        return st;
    st = snas_names_parse(path, text, size, classes, names, err);
    snas_free(text);
    return st;
}

enum snas_status snas_names_known(const char *table, int classes, char ***names,
                                  struct snas_err *err)
{
    return snas_names_parse("built-in", table, strlen(table), classes, names, err);
}
