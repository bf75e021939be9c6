"""Generators on the Hugging Face Hub, by owner/name. Needs huggingface_hub: pip install 'condgen[hub]'."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from condgen import marker
from condgen.errors import CondgenError, needs
from condgen.sharing import card, manifest
from condgen.sharing.strict import Refused

WEIGHTS = "model.safetensors"
"""In every exported folder."""
LARGEST = 2**34
"""Bytes of a file that are still compared with the manifest here; what a network may have is asked later."""
FILES = (card.NAME, WEIGHTS)
"""All that is read of a repository, besides its manifest."""
NAME = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?", re.ASCII)


def is_name(run: str | Path) -> bool:
    """Whether this may be owner/name, or owner/name@revision: what begins with a folder that is here is a path."""
    return isinstance(run, str) and NAME.fullmatch(run) is not None and not Path(run.split("/")[0]).exists()


def fetch(name: str) -> Path:
    """A repository's card, weights and manifest in the hub's own cache: fetched now, or there since before.

    Raises CondgenError if there is no such repository, or nobody to ask.
    """
    folder = _snapshot(name)
    if _is_damaged(folder):
        with suppress(CondgenError):  # whoever opens the folder says what is wrong with it
            folder = _snapshot(name, anew=True)
    if not (folder / manifest.NAME).is_file():
        raise CondgenError(f"{name!r} on the hub is nothing that condgen exported: it has no {manifest.NAME}.")
    return folder


def _snapshot(name: str, anew: bool = False) -> Path:
    with needs("hub"):
        from huggingface_hub import snapshot_download

    found, wanted = NAME.fullmatch(name), [manifest.NAME, marker.FILE, *FILES]
    assert found
    with _in_one_line(name, "load"):
        return Path(snapshot_download(
            found["repository"], revision=found["revision"], allow_patterns=wanted, force_download=anew
        ))  # fmt: skip


def _is_damaged(folder: Path) -> bool:
    """Whether a file is not what the manifest says: the hub's cache takes what lies in it as it is."""
    try:
        manifest.check(folder, LARGEST, FILES)
    except Refused:
        return (folder / manifest.NAME).is_file()
    return False


def push(folder: Path, name: str, private: bool) -> str:
    """Upload all files of a folder to a repository, made if there is none; returns its address."""
    with needs("hub"):
        from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise CondgenError("no token for the hub is here: hf auth login, or set HF_TOKEN.")
    with _in_one_line(name, "push to"):
        api = HfApi(library_name="condgen")
        address = api.create_repo(name, private=private, exist_ok=True)
        hidden = {path.name for path in folder.iterdir() if path.name.startswith(".")} - {marker.FILE}
        ignored = [pattern for entry in sorted(hidden) for pattern in (entry, f"{entry}/*")]
        api.upload_folder(repo_id=name, folder_path=folder, ignore_patterns=ignored, delete_patterns=["model.*"],
            commit_message="condgen export",
        )  # fmt: skip
    return str(address)


@contextmanager
def _in_one_line(name: str, doing: str) -> Iterator[None]:
    """What the hub or the network has against it, as one CondgenError."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        why = "its owner has to let you in first; ask on its page, then hf auth login"
    except errors.RepositoryNotFoundError:
        why = "there is none of that name, or it is private and the token here (hf auth login) may not see it"
    except errors.RevisionNotFoundError:
        why = "it has no such revision"
    except errors.OfflineModeIsEnabled:
        why = "HF_HUB_OFFLINE is set"
    except errors.LocalEntryNotFoundError:
        why = "the hub cannot be reached (offline?), and no copy is in its cache"
    except errors.HfHubHTTPError as error:
        said = error.response.status_code
        why = "the hub does not take the token here; hf auth login" if said == 401 else f"the hub said {_brief(error)}"
    except (errors.HFValidationError, ValueError) as error:
        why = _brief(error)
    except Exception as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        why = f"the hub cannot be reached ({_brief(error)})"
    else:
        return
    raise CondgenError(f"cannot {doing} {name!r}: {why}.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
