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
"""Name of the weights file in every exported folder."""
LARGEST = 2**34
"""Maximum size, in bytes, of a file to verify after a download. `folder.sampler` applies a stricter limit."""
FILES = (card.NAME, WEIGHTS)
"""The files of a repository that are read, besides its manifest."""
NAME = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?", re.ASCII)


def is_name(run: str | Path) -> bool:
    """Whether `run` has the form owner/name or owner/name@revision, and is not a path into an existing folder."""
    return isinstance(run, str) and NAME.fullmatch(run) is not None and not Path(run.split("/")[0]).exists()


def fetch(name: str) -> Path:
    """The folder with a repository's card, weights and manifest, in the hub's cache; downloaded if necessary.

    Raises CondgenError if the repository does not exist, or cannot be reached and is not in the cache.
    """
    folder = _snapshot(name)
    if _is_damaged(folder):
        with suppress(CondgenError):  # damage that remains is reported when the folder is opened
            folder = _snapshot(name, anew=True)
    if not (folder / manifest.NAME).is_file():
        raise CondgenError(f"{name!r} on the Hub is not an export of condgen: it has no {manifest.NAME}.")
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
    """Whether a file differs from the manifest. The hub's cache does not verify the files that it contains."""
    try:
        manifest.check(folder, LARGEST, FILES)
    except Refused:
        return (folder / manifest.NAME).is_file()
    return False


def push(folder: Path, name: str, private: bool) -> str:
    """Upload all files of a folder to a repository, which is created if it does not exist. Returns its URL."""
    with needs("hub"):
        from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise CondgenError("there is no token for the Hugging Face Hub; run hf auth login, or set HF_TOKEN.")
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
    """Context manager that turns errors of the hub or the network into a CondgenError of one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        why = "access is restricted; request it on the page of the repository, then run hf auth login"
    except errors.RepositoryNotFoundError:
        why = "no repository has this name, or it is private and your token (hf auth login) gives no access"
    except errors.RevisionNotFoundError:
        why = "the repository has no such revision"
    except errors.OfflineModeIsEnabled:
        why = "HF_HUB_OFFLINE is set"
    except errors.LocalEntryNotFoundError:
        why = "the Hub cannot be reached (offline?), and its cache holds no copy"
    except errors.HfHubHTTPError as error:
        said = error.response.status_code
        why = "the Hub rejects your token; run hf auth login" if said == 401 else f"the Hub answered {_brief(error)}"
    except (errors.HFValidationError, ValueError) as error:
        why = _brief(error)
    except Exception as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        why = f"the Hub cannot be reached ({_brief(error)})"
    else:
        return
    raise CondgenError(f"cannot {doing} {name!r}: {why}.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
