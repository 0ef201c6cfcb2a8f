#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/status.h"

/* Constants of Salmon et al. 2011, table 2 and section 4.3: two multipliers, and Weyl increments
 * of the key. */
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u
enum { PHILOX_ROUNDS = 10 };

void snas_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct snas_rng snas_rng_make(uint64_t seed, enum snas_stream stream, uint64_t step)
{
    struct snas_rng r = {
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)stream, (uint32_t)step, (uint32_t)(step >> 32)},
        .used = 4,
    };
    return r;
}

uint32_t snas_rng_u32(struct snas_rng *r)
{
    if (r->used == 4) {
        snas_philox(r->counter, r->key, r->block);
        r->counter[0]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

/* Lemire, "Fast random integer generation in an interval" (2019): reject the short first part. */
uint32_t snas_rng_below(struct snas_rng *r, uint32_t n)
{
    if (n == 0)
        SNAS_BUG("snas_rng_below(0)");
    uint32_t reject = (uint32_t)(-n) % n;
    uint64_t product;
    do
        product = (uint64_t)snas_rng_u32(r) * n;
    while ((uint32_t)product < reject);
    return (uint32_t)(product >> 32);
}

/* 52 bits and a half: neither 0 nor 1 can come out, and every value is exact. */
double snas_rng_uniform(struct snas_rng *r)
{
    uint64_t high = snas_rng_u32(r), low = snas_rng_u32(r);
    uint64_t bits = (high << 32 | low) >> 12;
    return ((double)bits + 0.5) * 0x1p-52;
}

double snas_rng_normal(struct snas_rng *r)
{
    static const double two_pi = 6.283185307179586476925;
    double radius = sqrt(-2.0 * log(snas_rng_uniform(r)));
    return radius * cos(two_pi * snas_rng_uniform(r));
}

double snas_rng_gumbel(struct snas_rng *r)
{
    return -log(-log(snas_rng_uniform(r)));
}

/* Fisher and Yates, from the top. */
void snas_rng_shuffle(struct snas_rng *r, uint32_t *items, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = snas_rng_below(r, i), kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
