//! BlockService.

use super::Services;
use crate::convert::{block, hash_field};
use crate::proof;
use crate::proto::block_service_server::BlockService;
use crate::proto::get_finalization_request::Block as Which;
use crate::proto::{self, TransactionDetail};
use crate::refusal::{invalid, refuse};
use minuet_core::{Digest, Height};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};

fn detail_field(value: i32) -> Result<TransactionDetail, Status> {
    let text = format_args!("{value} is none of TransactionDetail's values");
    TransactionDetail::try_from(value).map_err(|_| invalid("detail", "enum_value", text))
}

impl Services {
    async fn block_at(
        &self,
        height: Height,
        detail: TransactionDetail,
    ) -> Result<Response<proto::GetBlockResponse>, Status> {
        let entry = self.0.indexed_block(height).await?;
        let finalization = self.0.read(|chain| chain.certificate(height))?;
        let block = block(&entry, detail, finalization.as_ref())?;
        Ok(Response::new(proto::GetBlockResponse { block: Some(block) }))
    }

    fn height_by_digest(&self, digest: &Digest) -> Result<Height, Status> {
        if let Some(height) = self.0.read(|chain| chain.height_by_digest(digest))? {
            return Ok(height);
        }
        let oldest = self.0.read(|chain| chain.oldest())?;
        let mut text = format!("no final block has the hash {digest}: it may not be final yet");
        if oldest > Height::GENESIS {
            text.push_str(&format!(", or it is below {oldest}, the oldest that this node keeps"));
        }
        Err(refuse(Code::NotFound, "block_not_found", text))
    }

    fn final_height(&self, height: Height) -> Result<Height, Status> {
        let (tip, _) = self.0.read(|chain| chain.tip())?;
        if height > tip {
            let text = format!("height {height} is not final yet: the newest final block is {tip}");
            return Err(refuse(Code::NotFound, "height_not_final", text));
        }
        Ok(height)
    }
}

#[tonic::async_trait]
impl BlockService for Services {
    async fn get_block(
        &self,
        request: Request<proto::GetBlockRequest>,
    ) -> Result<Response<proto::GetBlockResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let digest = hash_field("hash", &request.get_ref().hash)?;
        let detail = detail_field(request.get_ref().detail)?;
        let height = self.height_by_digest(&digest)?;
        self.block_at(height, detail).await
    }

    async fn get_block_by_height(
        &self,
        request: Request<proto::GetBlockByHeightRequest>,
    ) -> Result<Response<proto::GetBlockResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let detail = detail_field(request.get_ref().detail)?;
        let height = self.final_height(Height(request.get_ref().height))?;
        self.block_at(height, detail).await
    }

    async fn get_latest_block(
        &self,
        request: Request<proto::GetLatestBlockRequest>,
    ) -> Result<Response<proto::GetBlockResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let detail = detail_field(request.get_ref().detail)?;
        let (tip, _) = self.0.read(|chain| chain.tip())?;
        self.block_at(tip, detail).await
    }

    async fn get_finalization(
        &self,
        request: Request<proto::GetFinalizationRequest>,
    ) -> Result<Response<proto::GetFinalizationResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let height = match &request.get_ref().block {
            Some(Which::Hash(hash)) => self.height_by_digest(&hash_field("hash", hash)?)?,
            Some(Which::Height(height)) => self.final_height(Height(*height))?,
            None => self.0.read(|chain| chain.tip())?.0,
        };
        self.0.kept(height)?;
        match proof::finalization(Arc::clone(&self.0.chain), height).await {
            Ok(answer) => Ok(Response::new(answer)),
            // It may have gone while it was read.
            Err(status) => self.0.kept(height).and(Err(status)),
        }
    }
}
