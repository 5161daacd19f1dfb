"""The LFS server of the stand-ins: the batch API and the objects behind it.

Source: the Git LFS specification, `docs/api/batch.md` and `basic-transfers.md`. Objects may be handed out by another
server (`lfs_origin`), as forges with an object storage do; the address then carries its own permission.
"""

from __future__ import annotations

from typing import Any

from fsspeckit_lib.testing.forge.server import Answer, ForgeServer, Project, Request, basic_password, raw

__all__ = ["LFS_JSON", "lfs_batch", "lfs_object"]

LFS_JSON = {"Content-Type": "application/vnd.git-lfs+json"}
_PASS = "RemoteAuth one-object"


def lfs_batch(server: ForgeServer, project: Project | None, request: Request) -> Answer:
    """Answer `POST /PROJECT.git/info/lfs/objects/batch`."""
    if not server.lfs_server:
        return Answer(501, {"message": "Git LFS is not enabled on this server"}, LFS_JSON)
    password = basic_password(request)
    if project is None or (project.private and password not in project.tokens):
        status = 404 if password is None or server.knows(password or "") else 401
        return Answer(status, {"message": "Not found" if status == 404 else "Credentials needed"}, LFS_JSON)
    if password is not None and password not in project.tokens:
        return Answer(401, {"message": "Credentials needed"}, LFS_JSON)
    if request.headers.get("accept") != LFS_JSON["Content-Type"]:
        return Answer(406, {"message": "Not acceptable"}, LFS_JSON)
    objects: list[dict[str, Any]] = []
    for asked in request.json().get("objects", ()):
        oid = str(asked["oid"])
        if oid not in project.lfs:
            objects.append({**asked, "error": {"code": 404, "message": "Object does not exist on the server"}})
            continue
        origin = server.lfs_origin
        action: dict[str, Any] = {"href": f"{origin or server.url}/lfs-objects/{oid}", "expires_in": 600}
        if origin is None:
            action["header"] = {"Authorization": _PASS}
        else:
            action["href"] += "?X-Signature=one-object"
        objects.append(
            {"oid": oid, "size": len(project.lfs[oid]), "authenticated": True, "actions": {"download": action}}
        )
    return Answer(200, {"transfer": "basic", "objects": objects}, LFS_JSON)


def lfs_object(server: ForgeServer, request: Request) -> Answer:
    """Answer `GET /lfs-objects/OID`, for those whom the batch API sent."""
    if request.headers.get("authorization") != _PASS and request.query.get("X-Signature") != "one-object":
        return Answer(403, {"message": "Access denied"})
    oid = request.parts[-1]
    for project in server.projects:
        if oid in project.lfs:
            return raw(project.lfs[oid], request, server.lfs_ranges)
    return Answer(404, {"message": "Not found"})
