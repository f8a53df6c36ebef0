# The first program of an agent: takes its environment from standard input, then
# becomes the command it was given. The other side is launch_frame.py.
#
#     NAME=VALUE          any number of lines, names as below, values of graphic ASCII
#     END <how many>
#
# Anything else ends here, with 78 (EX_CONFIG of sysexits.h) and a fixed text: what was
# read is never printed. POSIX sh, builtins only, because an image has little more.
set -u

refuse() {
    echo "ag2trust-init: $1" >&2
    exit 78
}

[ "$#" -gt 0 ] || refuse "no command to become"

# Ranges such as [!-~] mean bytes only in this locale; the image's own comes back below.
ag2trust_locale=${LC_ALL-}
LC_ALL=C

ag2trust_count=0
while :; do
    IFS= read -r ag2trust_line || refuse "the environment ended early"
    case $ag2trust_line in
        "END $ag2trust_count") break ;;
        END*) refuse "the environment has another count" ;;
        AG2TRUST_AGENT_URL=* | AG2TRUST_AGENT_TOKEN=*) ;;
        OPENAI_API_KEY=* | OPENAI_BASE_URL=*) ;;
        ANTHROPIC_API_KEY=* | ANTHROPIC_BASE_URL=*) ;;
        AWS_ACCESS_KEY_ID=* | AWS_SECRET_ACCESS_KEY=* | AWS_SESSION_TOKEN=*) ;;
        AWS_REGION=* | AWS_DEFAULT_REGION=*) ;;
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME=* | AWS_BEARER_TOKEN_BEDROCK=*) ;;
        *) refuse "the environment has an unknown name" ;;
    esac
    case ${ag2trust_line#*=} in
        "") refuse "the environment has an empty value" ;;
        *[!!-~]*) refuse "the environment has a forbidden character" ;;
    esac
    [ "${#ag2trust_line}" -le 8192 ] || refuse "the environment has an overlong line"
    export "$ag2trust_line"
    ag2trust_count=$((ag2trust_count + 1))
done

if [ -n "$ag2trust_locale" ]; then LC_ALL=$ag2trust_locale; else unset LC_ALL; fi
unset ag2trust_locale ag2trust_count ag2trust_line

echo "ag2trust-init: ready" >&2
exec "$@" </dev/null
