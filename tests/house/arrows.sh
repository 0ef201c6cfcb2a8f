# The arrows between rooms, as README.md lists them: what a room includes and what its
# CMakeLists.txt names under USES. A room sees its own rooms and what those see.
allowed()
{
    case $1 in
    base) echo ;;
    kernels | data | space) echo base ;;
    layers) echo kernels base ;;
    net) echo layers kernels space base ;;
    methods) echo net layers kernels space base ;;
    train) echo net layers kernels data methods space base ;;
    export) echo space base ;;
    export/check) echo export net layers kernels data space base ;;
    *) fail "a room without arrows: $1" ;;
    esac
}

check_room() # ROOM DIRECTORY [find options]
{
    local room=$1 dir=$2 used target file
    shift 2
    for file in $(find "$dir" "$@" -name '*.[ch]' -o "$@" -name '*.cpp'); do
        for used in $(sed -nE 's/^ *# *include "([a-z]+(\/check)?)\/[^"]*".*/\1/p' "$file" | sort -u); do
            target=$used
            [ "$target" = "$room" ] && continue
            case " $(allowed "$room") " in
            *" $target "*) ;;
            *) fail "$file includes \"$used/...\": no arrow $room -> $target" ;;
            esac
        done
        if grep -nE '^ *# *include "([^/"]+|\.\.[^"]*)"' "$file" | grep -v 'onnx.pb-c.h'; then
            fail "$file: include project headers as \"room/header.h\""
        fi
    done
    [ -f "$dir/CMakeLists.txt" ] || return 0
    for used in $(tr '\n' ' ' <"$dir/CMakeLists.txt" |
        grep -oE "snas_room\($room [^)]*" | sed -nE 's/.* USES ([a-z ]*).*/\1/p'); do
        case " $(allowed "$room") " in
        *" $used "*) ;;
        *) fail "$dir/CMakeLists.txt: no arrow $room -> $used" ;;
        esac
    done
}

for room in base kernels layers data space net methods train; do
    check_room "$room" "$SRC/search/$room"
done
check_room export "$SRC/export" -not -path '*/check/*'
check_room export/check "$SRC/export/check"
