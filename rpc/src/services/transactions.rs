//! TransactionService. What it does is in [`crate::submit`].

use super::Services;
use crate::convert::{envelope_field, hash_field, wire};
use crate::proto;
use crate::proto::transaction_service_server::TransactionService;
use crate::submit;
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl TransactionService for Services {
    async fn submit_transaction(
        &self,
        request: Request<proto::SubmitTransactionRequest>,
    ) -> Result<Response<proto::SubmitTransactionResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let envelope = envelope_field(request.into_inner().envelope)?;
        self.0.limits.submission()?;
        let hash = submit::submit(&self.0, envelope).await?;
        Ok(Response::new(proto::SubmitTransactionResponse { hash: wire(hash) }))
    }

    async fn submit_transactions(
        &self,
        request: Request<proto::SubmitTransactionsRequest>,
    ) -> Result<Response<proto::SubmitTransactionsResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let results = submit::submit_many(&self.0, request.into_inner().transactions).await?;
        Ok(Response::new(proto::SubmitTransactionsResponse { results }))
    }

    async fn submit_and_wait(
        &self,
        request: Request<proto::SubmitAndWaitRequest>,
    ) -> Result<Response<proto::SubmitAndWaitResponse>, Status> {
        let _permit = self.0.limits.waiter()?;
        let request = request.into_inner();
        let timeout = submit::timeout_field(request.timeout_ms)?;
        let envelope = envelope_field(request.envelope)?;
        self.0.limits.submission()?;
        submit::submit_and_wait(&self.0, envelope, timeout).await.map(Response::new)
    }

    async fn get_transaction(
        &self,
        request: Request<proto::GetTransactionRequest>,
    ) -> Result<Response<proto::GetTransactionResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let hash = hash_field("hash", &request.get_ref().hash)?;
        submit::transaction(&self.0, hash).await.map(Response::new)
    }
}
