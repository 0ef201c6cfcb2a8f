#include "timing/device.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void snas_device_name(char *text, size_t size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(text, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value)
            continue;
        value += 1 + strspn(value + 1, " ");
        value[strcspn(value, "\n\"\\")] = '\0';
        snprintf(text, size, "%s", value);
        break;
    }
    if (f)
        fclose(f);
}

void snas_today(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&now, &utc))
        strftime(text, size, "%Y-%m-%d", &utc);
}
