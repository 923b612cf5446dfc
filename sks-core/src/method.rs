//! A handler for each method of the table. What a method means, takes, returns and refuses is said once, in the
//! module of the same name in `sks_wire::method`.

pub(crate) mod abort_provisioning_session;
pub(crate) mod add_extension_data;
pub(crate) mod asymmetric_key_decrypt;
pub(crate) mod change_pin;
pub(crate) mod close_provisioning_session;
pub(crate) mod create_key_pair;
pub(crate) mod create_pin_policy;
pub(crate) mod create_provisioning_session;
pub(crate) mod create_puk_policy;
pub(crate) mod create_volatile_session;
pub(crate) mod delete_key;
pub(crate) mod enumerate_keys;
pub(crate) mod enumerate_provisioning_sessions;
pub(crate) mod export_key;
pub(crate) mod get_change_count;
pub(crate) mod get_device_info;
pub(crate) mod get_extension_object;
pub(crate) mod get_key_attributes;
pub(crate) mod get_key_group;
pub(crate) mod get_key_handle;
pub(crate) mod get_key_protection_info;
pub(crate) mod get_provisioning_session;
pub(crate) mod key_agreement;
pub(crate) mod perform_hmac;
pub(crate) mod post_provisioning_delete_key;
pub(crate) mod post_provisioning_update_key;
pub(crate) mod restore_private_key;
pub(crate) mod set_certificate_path;
pub(crate) mod set_pin;
pub(crate) mod set_symmetric_key;
pub(crate) mod sign_hashed_data;
pub(crate) mod sign_provisioning_session_data;
pub(crate) mod symmetric_key_encrypt;
pub(crate) mod unlock_key;
pub(crate) mod verify_pin;
