#include "report/record_shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* kind,node,slot,op,alpha,probability,credit,cost_share and more: a line per op, the share that of
 * the edge. Where every cell has its own alpha an edge comes once per cell. */
enum { KIND, NODE, SLOT, OP, SHARE = 7, FIELDS };

static int split(const char *line, const char *fields[FIELDS], size_t lengths[FIELDS])
{
    int n = 0;
    while (n < FIELDS) {
        size_t length = strcspn(line, ",\n");
        fields[n] = line;
        lengths[n++] = length;
        if (line[length] != ',')
            break;
        line += length + 1;
    }
    return n;
}

static int is(const char *field, size_t length, const char *name)
{
    return strlen(name) == length && !strncmp(field, name, length);
}

static int find_kind(const struct snas_space *space, const char *field, size_t length)
{
    for (int k = 0; k < space->n_kinds; k++)
        if (is(field, length, space->kinds[k].name))
            return k;
    return -1;
}

static struct snas_record_share *find_share(struct snas_record *r, int kind, int node, int slot)
{
    for (int i = 0; i < r->n_shares; i++)
        if (r->shares[i].kind == kind && r->shares[i].node == node && r->shares[i].slot == slot)
            return &r->shares[i];
    r->shares[r->n_shares] = (struct snas_record_share){kind, node, slot, 0};
    return &r->shares[r->n_shares++];
}

static enum snas_status take_line(const char *path, int number, const char *line,
                                  struct snas_record *r, struct snas_err *err)
{
    const char *field[FIELDS];
    size_t length[FIELDS];
    int n = split(line, field, length),
        kind = n == FIELDS ? find_kind(&r->space, field[0], length[0]) : -1;
    if (kind < 0)
        return snas_fail(err, SNAS_E_FORMAT, "%s:%d: not a line of an alpha file", path, number);
    const struct snas_cell_kind *k = &r->space.kinds[kind];
    long node = strtol(field[NODE], NULL, 10), slot = strtol(field[SLOT], NULL, 10);
    if (node < 0 || node >= k->nodes || slot < 0 || slot >= k->inputs + node)
        return snas_fail(err, SNAS_E_FORMAT,
                         "%s:%d: no edge from slot %ld to node %ld in a %s cell", path, number,
                         slot, node, k->name);
    if (is(field[OP], length[OP], r->space.ops[k->op[0]].name))
        find_share(r, kind, (int)node, (int)slot)->share += strtod(field[SHARE], NULL);
    return SNAS_OK;
}

enum snas_status snas_record_shares_parse(const char *path, const char *text, struct snas_record *r,
                                          struct snas_err *err)
{
    const char *field[FIELDS];
    size_t length[FIELDS];
    if (split(text, field, length) != FIELDS || !is(field[SHARE], length[SHARE], "cost_share"))
        return SNAS_OK;
    int edges = 0;
    for (int k = 0; k < r->space.n_kinds; k++)
        edges += snas_kind_edges(&r->space.kinds[k]);
    r->shares = snas_alloc((size_t)edges, sizeof *r->shares, err);
    if (!r->shares)
        return SNAS_E_NOMEM;
    enum snas_status status = SNAS_OK;
    int number = 2;
    for (const char *line = strchr(text, '\n'); status == SNAS_OK && line && line[1]; number++) {
        status = take_line(path, number, line + 1, r, err);
        line = strchr(line + 1, '\n');
    }
    return status;
}
