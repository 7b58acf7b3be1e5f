# Bring the files of one git commit into the working directory.
# In: MULLIGAN_GIT_URL, _KIND (branch, tag, commit), _REF, _PIN (a commit that must be used again),
# _DEPTH, _SUBMODULES, _KEY (a file with a key for ssh, which is removed). Out: variables, as records of $MULLIGAN_SET_ENV.
set -eu
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true
[ -z "${MULLIGAN_GIT_KEY:-}" ] || trap 'rm -f "$MULLIGAN_GIT_KEY" "$MULLIGAN_GIT_KEY.ask"' EXIT
command -v git >/dev/null || { echo "the program git is not installed here" >&2; exit 127; }
url=$MULLIGAN_GIT_URL kind=$MULLIGAN_GIT_KIND ref=$MULLIGAN_GIT_REF
# a commit, and what was asked for when it was found: for anything else it says nothing
asked=$(printf '%s\n' "$url" "$kind" "$ref" | git hash-object --stdin)
case $MULLIGAN_GIT_PIN in
*" $asked") pin=${MULLIGAN_GIT_PIN%% *} ;;
*" "*) pin= ;;
*) pin=$MULLIGAN_GIT_PIN ;;
esac

# git would read it as an option, some of which run commands
case $ref,$pin in
-* | *,-*) echo "not a name of a $kind: $ref" >&2; exit 2 ;;
esac
case $kind:$ref in
commit:*) ;;
*:*[[:space:]:^~?*\\[]*) echo "not a name of a $kind: $ref" >&2; exit 2 ;;
esac
git init -q .
git config remote.origin.url "$url"
# a repository of another owner is read on purpose; its hooks and configuration are not used
git() { command git -c safe.directory='*' -c advice.detachedHead=false "$@"; }

depth=
[ -n "$pin" ] || [ -z "$MULLIGAN_GIT_DEPTH" ] || depth="--depth=$MULLIGAN_GIT_DEPTH"
case $kind in
branch)
    [ -n "$ref" ] || ref=HEAD
    if [ "$ref" = HEAD ]; then from=HEAD; else from=refs/heads/${ref#refs/heads/}; fi ;;
tag) from=refs/tags/${ref#refs/tags/} ;;
commit) from=$ref ;;
*) echo "unknown kind of reference: $kind" >&2; exit 2 ;;
esac
echo "##[command]git fetch $kind $ref"
if [ "$kind" = commit ]; then
    # a server may refuse to hand out a bare commit: then its branches are fetched
    git fetch -q --no-tags $depth origin "$from" 2>/dev/null || {
        git fetch -q --tags origin '+refs/heads/*:refs/remotes/origin/*'
    }
    commit=$(git rev-parse --verify -q "$ref^{commit}") || {
        echo "commit $ref was not found" >&2; exit 1
    }
else
    git fetch -q --no-tags $depth origin "$from"
    commit=$(git rev-parse --verify 'FETCH_HEAD^{commit}')
fi
if [ -n "$pin" ] && [ "$pin" != "$commit" ]; then
    git cat-file -e "$pin^{commit}" 2>/dev/null || git fetch -q --no-tags origin "$pin"
    echo "the first attempt used $pin: it is used again ($ref has moved on to $commit)"
    commit=$pin
fi
git checkout -q -f --detach "$commit"
if [ "$MULLIGAN_GIT_SUBMODULES" = true ] && [ -e .gitmodules ]; then
    git -c protocol.file.allow=always submodule update -q --init --recursive
fi
git --no-pager log -1 --format='HEAD is now at %h %s'
tell() { printf '%s=%s\0' "$1" "$2" >>"$MULLIGAN_SET_ENV"; }
tell :pin "$commit $asked"
tell BK_CI_GIT_REPO_URL "$url"
tell BK_CI_GIT_REPO_REF "$ref"
tell BK_CI_GIT_REPO_HEAD_COMMIT_ID "$commit"
tell BK_CI_GIT_REPO_HEAD_COMMIT_COMMENT "$(git log -1 --format=%s)"
tell BK_CI_GIT_REPO_HEAD_COMMIT_AUTHOR "$(git log -1 --format=%an)"
