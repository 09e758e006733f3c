# What every interactive shell in a ds01 container has; sh as well as bash reads this.
case "$-:$DS01_SHELL_READ" in
*i*:)
  DS01_SHELL_READ=1
  case ":$PATH:" in
  *":$HOME/.local/bin:"*) ;;
  *) PATH=$PATH:$HOME/.local/bin ;;
  esac
  if [ -n "$BASH_VERSION" ]; then
    PS1='[${DS01_CONTAINER}] \u:\w\$ '
  else
    PS1='[${DS01_CONTAINER}] ${LOGNAME}:${PWD}$ '
  fi
  alias ll='ls -lh'
  alias la='ls -lhA'
  alias ws='cd /workspace'
  alias gpu='nvidia-smi'
  # Leaving is safe: it ends this shell and nothing else.
  alias how-to-leave='echo "exit or Ctrl-D: the container goes on, and so does what runs in the background. On the host, container-stop ends it."'
  ;;
esac
