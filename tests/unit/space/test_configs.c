#include "testing.h"

/* Every file of configs/spaces and configs/genotypes loads; every genotype makes a network. */

static const char *root(void)
{
    const char *dir = getenv("SNAS_DATA_DIR");
    return dir ? dir : ".";
}

/* The next file of an open directory that ends in `extension`; without it in `name`. */
static int next_file(DIR *dir, const char *extension, char *name, size_t size)
{
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, extension) != 0)
            fail_msg("'%s' does not end in %s: nobody would find it", e->d_name, extension);
        snprintf(name, size, "%.*s", (int)(dot - e->d_name), e->d_name);
        return 1;
    }
    return 0;
}

static DIR *open_folder(const char *folder)
{
    DIR *dir = opendir(snas_test_path(root(), folder));
    assert_non_null(dir);
    return dir;
}

static void spaces__load_and_make_a_network_when_they_are_shipped(void **state)
{
    (void)state;
    DIR *dir = open_folder("configs/spaces");
    char name[256];
    int n = 0;
    for (; next_file(dir, ".yaml", name, sizeof name); n++) {
        struct snas_space space;
        read_space(name, &space);
        assert_string_equal(space.name, name);
        struct snas_network_options o = {
            .channels = 4, .layers = 3, .input = {3, 64, 64}, .classes = 10, .pool_bn = 1};
        struct snas_network *net = make_network(&space, &o, NULL);
        assert_true(snas_network_param_count(net) > 0);
        snas_network_destroy(net);
    }
    assert_true(n >= 4);
    closedir(dir);
}

/* A genotype is of the space that its head names: "# ... Space: darts." */
static void space_of(const char *genotype, struct snas_space *space)
{
    char relative[512];
    snprintf(relative, sizeof relative, "configs/genotypes/%s.txt", genotype);
    char *text = snas_test_read(snas_test_path(root(), relative), NULL);
    assert_non_null(text);
    const char *at = strstr(text, "Space: ");
    char name[SNAS_NAME_MAX] = "";
    if (at) {
        at += strlen("Space: ");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ".\n"), at);
    } else {
        fail_msg("%s does not name its space", genotype);
    }
    free(text);
    read_space(name, space);
}

static void genotypes__load_and_make_a_network_when_they_are_shipped(void **state)
{
    (void)state;
    DIR *dir = open_folder("configs/genotypes");
    char name[256];
    int n = 0;
    for (; next_file(dir, ".txt", name, sizeof name); n++) {
        struct snas_space space;
        struct snas_genotype g;
        struct snas_alive alive;
        struct snas_err err = {0};
        space_of(name, &space);
        read_genotype(name, &space, &g);
        assert_string_equal(g.name, name);
        struct snas_network_options o = evaluation_options();
        struct snas_network *net = make_network(&space, &o, &g);
        assert_ok(snas_network_alive(net, &alive, &err), &err);
        assert_true(alive.connected);
        snas_alive_clear(&alive);
        snas_network_destroy(net);
    }
    assert_true(n >= 5);
    closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces__load_and_make_a_network_when_they_are_shipped),
        cmocka_unit_test(genotypes__load_and_make_a_network_when_they_are_shipped),
    };
    return snas_test_run(tests);
}
