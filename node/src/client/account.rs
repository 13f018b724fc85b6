//! `minuet account`, and whose key a command signs with.

use super::{block_on, connect, refused};
use crate::cli::{AccountCommand, Signer};
use crate::devkeys::DevSeed;
use crate::exit::{Exit, Failure};
use crate::keys::{KeyKind, read_spending, write_ed25519};
use crate::output::Output;
use minuet_core::Address;
use minuet_core::ed25519::Ed25519SecretKey;
use minuet_core::transaction::address_of;
use minuet_rpc::client::decimal;
use minuet_rpc::proto::GetAccountRequest;
use serde_json::json;

/// The key that a command line names.
///
/// # Errors
/// None named, or it cannot be read.
pub fn signing_key(signer: &Signer) -> Result<Ed25519SecretKey, Failure> {
    match (&signer.from, signer.dev_account) {
        (Some(path), _) => read_spending(path),
        (None, Some(index)) => Ok(DevSeed::read(&signer.dir)?.sender(index)),
        (None, None) => Err(Failure::new(Exit::Usage, "name an account with --from KEYFILE or --dev-account NUMBER")),
    }
}

/// Runs `account new`, `show` or `balance`.
///
/// # Errors
/// Keys, or the node's.
pub fn run(command: &AccountCommand) -> Result<Output, Failure> {
    match command {
        AccountCommand::New { file } => {
            let key = Ed25519SecretKey::generate().map_err(|error| Failure::new(Exit::Keys, error))?;
            write_ed25519(file, KeyKind::Account, &key)?;
            Ok(show(&key))
        }
        AccountCommand::Show { signer } => Ok(show(&signing_key(signer)?)),
        AccountCommand::Balance { address, signer, node } => {
            let address = match address {
                Some(address) => *address,
                None => address_of(&signing_key(signer)?.public_key()),
            };
            block_on(balance(&node.url, address))
        }
    }
}

fn show(key: &Ed25519SecretKey) -> Output {
    let public = key.public_key();
    let address = address_of(&public);
    Output::new(address.to_string(), json!({"ok": true, "address": address, "public_key": format!("0x{public}")}))
}

async fn balance(url: &str, address: Address) -> Result<Output, Failure> {
    let mut client = connect(url).await?;
    let request = GetAccountRequest { address: address.to_vec().into() };
    let answer = client.accounts.get_account(request).await.map_err(|status| refused(&status.into()))?.into_inner();
    let wei = decimal(&answer.balance).map_err(|error| refused(&error))?;
    let text = format!(
        "{address}\nbalance  {} ({wei} wei)\nnonce    {}\nheight   {}{}",
        crate::amount::ether(wei),
        answer.nonce,
        answer.height,
        if answer.exists { "" } else { "\nno such account yet: it comes into being with its first transfer" }
    );
    let json = json!({
        "ok": true, "address": address, "balance": answer.balance, "nonce": answer.nonce,
        "exists": answer.exists, "height": answer.height,
    });
    Ok(Output::new(text, json))
}
