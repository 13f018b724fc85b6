//! AccountService.

use super::Services;
use crate::convert::{address_field, wire};
use crate::proto;
use crate::proto::account_service_server::AccountService;
use minuet_core::account::Account;
use minuet_core::{Address, Height};
use tonic::{Request, Response, Status};

impl Services {
    /// The height is read first: the account is at least as new.
    fn account(&self, address: &Address) -> Result<(Option<Account>, Height), Status> {
        let (height, _) = self.0.read(|chain| chain.tip())?;
        Ok((self.0.read(|chain| chain.account(address))?, height))
    }
}

#[tonic::async_trait]
impl AccountService for Services {
    async fn get_account(
        &self,
        request: Request<proto::GetAccountRequest>,
    ) -> Result<Response<proto::GetAccountResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let address = address_field("address", &request.get_ref().address)?;
        let (account, height) = self.account(&address)?;
        let exists = account.is_some();
        let account = account.unwrap_or_default();
        Ok(Response::new(proto::GetAccountResponse {
            address: wire(address),
            balance: account.balance.to_string(),
            nonce: account.nonce,
            exists,
            height: height.0,
        }))
    }

    async fn get_balance(
        &self,
        request: Request<proto::GetBalanceRequest>,
    ) -> Result<Response<proto::GetBalanceResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let address = address_field("address", &request.get_ref().address)?;
        let (account, height) = self.account(&address)?;
        let balance = account.unwrap_or_default().balance.to_string();
        Ok(Response::new(proto::GetBalanceResponse { balance, height: height.0 }))
    }

    async fn get_nonce(
        &self,
        request: Request<proto::GetNonceRequest>,
    ) -> Result<Response<proto::GetNonceResponse>, Status> {
        let _permit = self.0.limits.call()?;
        let address = address_field("address", &request.get_ref().address)?;
        let pooled = self.0.pool.next_nonce(address).await?;
        // Read after the pool answered, so that `next` is never below `finalized` but for a pool that lags.
        let finalized = self.account(&address)?.0.unwrap_or_default().nonce;
        Ok(Response::new(proto::GetNonceResponse { finalized, next: pooled.max(finalized) }))
    }
}
