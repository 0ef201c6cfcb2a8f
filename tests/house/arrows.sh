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
    cli) echo space base ;;
    jobs) echo cli base ;;
    report) echo train net layers kernels data methods space base ;;
    timing) echo report cli check export/check export train net layers kernels data methods space base ;;
    *) fail "a room without arrows: $1" ;;
    esac
}

check_room() # ROOM DIRECTORY [find options]
{
    local room=$1 dir=$2 file line used arrows
    shift 2
    arrows=" $room $(allowed "$room") "
    while IFS=: read -r file line; do
        [[ $line =~ \"(.*)\" ]]
        used=${BASH_REMATCH[1]}
        case $used in
        onnx.pb-c.h) continue ;;
        export/check/*) used=export/check ;;
        ../* | ./*) used=. ;;
        */*) used=${used%%/*} ;;
        *) used=. ;;
        esac
        [ "$used" != . ] || fail "$file: include project headers as \"room/header.h\""
        [[ $arrows == *" $used "* ]] || fail "$file: ${line#*:}: no arrow $room -> $used"
    done < <(find "$dir" "$@" \( -name '*.[ch]' -o -name '*.cpp' \) -print0 | xargs -0 grep -HE '^ *# *include "')
    [ -f "$dir/CMakeLists.txt" ] || return 0
    for used in $(tr '\n' ' ' <"$dir/CMakeLists.txt" |
        grep -oE "snas_room\($room [^)]*" | sed -nE 's/.* USES ([a-z ]*).*/\1/p'); do
        [[ $arrows == *" $used "* ]] || fail "$dir/CMakeLists.txt: no arrow $room -> $used"
    done
}

for room in base kernels layers data space net methods train; do
    check_room "$room" "$SRC/search/$room"
done
check_room export "$SRC/export" -not -path '*/check/*'
check_room export/check "$SRC/export/check"
for room in cli jobs report timing; do
    check_room "$room" "$SRC/tools/$room"
done
