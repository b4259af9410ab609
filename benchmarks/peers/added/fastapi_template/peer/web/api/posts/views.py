"""After dummy/views.py: `create_dummy_model`."""

from fastapi import APIRouter
from fastapi.param_functions import Depends
from peer.db.dao.post_dao import PostDAO
from peer.db.models.post_model import PostModel
from peer.web.api.posts.schema import PostModelDTO, PostModelInputDTO

router = APIRouter()


@router.post("/", response_model=PostModelDTO)
async def create_post_model(
    new_post_object: PostModelInputDTO,
    post_dao: PostDAO = Depends(),
) -> PostModel:
    """Creates post model in the database."""
    return await post_dao.create_post_model(
        title=new_post_object.title,
        content=new_post_object.content,
        author_id=new_post_object.author_id,
    )
